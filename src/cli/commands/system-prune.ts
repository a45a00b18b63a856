import { planSystemPrune } from '../../store/prune.ts'
import { parsePruneFilters } from '../../store/prune-filter.ts'
import { command } from '../command.ts'
import { boolean } from '../flag.ts'
import { prune, pruneFlags } from '../prune.ts'

export default command({
  usage: '[OPTIONS]',
  about: 'Remove dangling images and build cache that no image needs, with --all everything that no container uses.',
  examples: [
    ['system prune', 'remove what is surely not needed'],
    ['system prune -a --dry-run', 'what an empty store would free'],
  ],
  args: { min: 0, max: 0 },
  flags: { ...pruneFlags, all: boolean('Remove all unused images, not only dangling ones', { short: 'a' }) },
  async run(context, { flags }) {
    const now = Date.now()
    const filter = parsePruneFilters(flags.filter, now)
    const images = flags.all ? 'all images without at least one container associated to them' : 'all dangling images'
    const cache = flags.all ? 'all build cache' : 'unused build cache'
    return await prune(context, {
      ...flags,
      name: 'system prune',
      warning: `WARNING! This will remove:\n  - ${images}\n  - ${cache}\n`,
      plan: store => planSystemPrune(store, { all: flags.all, filter, now }),
    })
  },
})
