import { ShaleError } from '../../error.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import { resolveImage } from '../../store/resolve.ts'
import { command } from '../command.ts'

export default command({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  about: 'Give an image a further name. If another image had that name, it loses it and stays.',
  examples: [
    ['tag myapp:1.0 myapp:latest', 'a second tag'],
    ['tag myapp:1.0 registry.example.com/team/myapp:1.0', 'the name under which to push it'],
  ],
  args: { min: 2, max: 2 },
  flags: {},
  async run(context, { args }) {
    const [source = '', target = ''] = args
    const reference = parseReference(target)
    if (reference.digest !== undefined) {
      throw new ShaleError('INVALID_TAG', `refusing to create a tag with a digest reference: ${target}`, {
        hint: 'a digest is computed from the image and cannot be given; name a tag instead',
      })
    }
    const store = await context.store()
    store.images.tag(formatReference(reference), resolveImage(store, source).id, 'tag')
    return 0
  },
})
