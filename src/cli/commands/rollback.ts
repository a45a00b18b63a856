import { rollBack } from '../../release/rollback.ts'
import type { MovedTag } from '../../release/tag-move.ts'
import { type Context, command } from '../command.ts'
import { boolean, text } from '../flag.ts'
import { isoLocalTime } from '../format/time.ts'
import { movedTag } from '../moved-tag.ts'
import { withRegistry } from '../with-registry.ts'

export default command({
  usage: '[OPTIONS] NAME[:TAG]',
  about:
    'Point a tag at the image that it pointed at before. Each further rollback goes one further back; --to goes to any ' +
    'image that the tag has pointed at, forward as well. It is refused when the image was pruned. With --registry the ' +
    'tag moves in its registry, by what was pushed and promoted there from here.',
  examples: [
    ['rollback app:prod', 'to the image before'],
    ['rollback --to 4f1c0a9be2d7 app:prod', 'to this one of `shale tags log app:prod`'],
    ['tags rollback --to 2026-01-30T12:00:00Z app:prod', 'to what it was at that time'],
    ['rollback --registry registry.example.com/team/app:prod', 'in the registry'],
  ],
  args: { min: 1, max: 1 },
  flags: {
    quiet: boolean('Print only the digest', { short: 'q' }),
    registry: boolean('Move the tag in the registry of its name instead of in the store'),
    to: text('An image of its history by digest, or a time: 2h, 2026-01-30T12:00:00Z', {
      placeholder: 'digest|time',
    }),
  },
  async run(context, { args, flags }) {
    const [name = ''] = args
    if (flags.registry) {
      const moved = await rollBackThere(context, name, flags.to)
      context.out.write(movedTag(moved, 'rolled back', { ...flags, inRegistry: true }))
      return 0
    }
    const moved = await rollBack(await context.store(), name, flags.to)
    context.out.write(movedTag(moved, 'rolled back', { ...flags, since: isoLocalTime(moved.since) }))
    return 0
  },
})

async function rollBackThere(context: Context, name: string, to: string | undefined): Promise<MovedTag> {
  const { rollBackInRegistry } = await import('../../release/rollback-registry.ts')
  return await withRegistry(context, access => rollBackInRegistry(access, name, to))
}
