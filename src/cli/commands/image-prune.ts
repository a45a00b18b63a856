import { imagesInUse } from '../../container/prune.ts'
import { planImagePrune } from '../../store/prune.ts'
import { parsePruneFilters } from '../../store/prune-filter.ts'
import { command } from '../command.ts'
import { boolean } from '../flag.ts'
import { prune, pruneFlags } from '../prune.ts'

export default command({
  usage: '[OPTIONS]',
  about: 'Remove images that have no name (dangling ones), with --all every image that no container uses.',
  examples: [
    ['image prune', 'remove dangling images'],
    ['image prune -a --filter until=24h --dry-run', 'what would go: everything older than a day'],
    ['image prune -a --explain --dry-run', 'and why'],
  ],
  args: { min: 0, max: 0 },
  flags: { ...pruneFlags, all: boolean('Also images that have names, unless a container uses them', { short: 'a' }) },
  async run(context, { flags }) {
    const now = Date.now()
    const filter = parsePruneFilters(flags.filter, now)
    const what = flags.all ? 'all images without at least one container associated to them' : 'all dangling images'
    return await prune(context, {
      ...flags,
      name: 'image prune',
      warning: `WARNING! This will remove ${what}.`,
      plan: store => planImagePrune(store, { all: flags.all, filter, now, inUse: imagesInUse(store) }),
    })
  },
})
