import { type PromoteOptions, promote } from '../../release/promote.ts'
import type { MovedTag } from '../../release/tag-move.ts'
import { type Context, command } from '../command.ts'
import { boolean, text } from '../flag.ts'
import { movedTag } from '../moved-tag.ts'
import { withRegistry } from '../with-registry.ts'

export default command({
  usage: '[OPTIONS] SOURCE_IMAGE[:TAG] TARGET',
  about:
    'Give an image that is already there one more tag: the same digest, nothing is built or copied. TARGET is a tag of ' +
    'the same repository, or a name with a tag. In the store, or with --registry in the registry itself, where only ' +
    'the manifest is sent.',
  examples: [
    ['promote app:1.0.0-abc1234 prod', 'app:prod becomes that image'],
    ['promote --expect 4f1c0a9be2d7 app:1.0.0-abc1234 prod', 'only if app:prod is still what it was'],
    ['promote --registry registry.example.com/team/app:1.0.0-abc1234 prod', 'in the registry, without pull and push'],
  ],
  args: { min: 2, max: 2 },
  flags: {
    expect: text('Refuse unless TARGET points at this image; none: unless there is no TARGET yet', {
      placeholder: 'digest',
    }),
    quiet: boolean('Print only the digest', { short: 'q' }),
    registry: boolean('Move the tag in the registry of its name instead of in the store'),
  },
  async run(context, { args, flags }) {
    const [source = '', target = ''] = args
    const options = { source, target, expect: flags.expect }
    const moved = flags.registry ? await promoteThere(context, options) : await promote(await context.store(), options)
    context.out.write(movedTag(moved, 'promoted', { ...flags, inRegistry: flags.registry }))
    return 0
  },
})

async function promoteThere(context: Context, options: PromoteOptions): Promise<MovedTag> {
  const { promoteInRegistry } = await import('../../release/registry-tag.ts')
  return await withRegistry(context, access => promoteInRegistry(access, options))
}
