import { ShaleError } from '../../error.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import { deleteManifest } from '../../registry/client/delete.ts'
import { command } from '../command.ts'
import { isTagged } from '../image-names.ts'
import { withRegistryClient } from '../registry-client.ts'

export default command({
  usage: 'NAME:TAG|NAME@DIGEST [NAME:TAG|NAME@DIGEST...]',
  about:
    'Delete tags from a registry, or by their digests images with all their tags. The registry frees the space when it ' +
    'next collects. What the store has stays.',
  examples: [
    ['registry delete registry.example.com/app:old', 'the tag'],
    ['registry delete registry.example.com/app@sha256:…', 'the image, whatever its tags'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {},
  async run(context, { args }) {
    const bare = args.find(name => !isTagged(name))
    if (bare !== undefined) {
      throw new ShaleError('NAME_WITHOUT_TAG', `${bare} names no tag and no digest; nothing was deleted`, {
        hint: `say which: shale registry tags ${bare}`,
      })
    }
    const references = args.map(name => parseReference(name))
    return await withRegistryClient(context, async client => {
      for (const reference of references) {
        const { registry, repository, tag, digest } = reference
        if (client.offline) throw new ShaleError('OFFLINE', '--offline keeps from deleting in a registry')
        const address = { repository, reference: digest ?? tag ?? 'latest' }
        await deleteManifest(client.registry(registry), address, context.signal)
        context.out.write(`Deleted: ${formatReference(reference)}\n`)
      }
      return 0
    })
  },
})
