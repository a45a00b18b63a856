import { imagesInUse, prunableContainers, pruneContainers } from '../../container/prune.ts'
import { planSystemPrune } from '../../store/prune.ts'
import { parsePruneFilters } from '../../store/prune-filter.ts'
import { command } from '../command.ts'
import { boolean } from '../flag.ts'
import { prune, pruneFlags } from '../prune.ts'

export default command({
  usage: '[OPTIONS]',
  about:
    'Remove containers that do not run, dangling images and build cache that no image needs, with --all every image that\n' +
    'no container is made from.',
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
      warning: `WARNING! This will remove:\n  - all stopped containers\n  - ${images}\n  - ${cache}\n`,
      before: async store => {
        const removed = await pruneContainers(store, prunableContainers(store, filter))
        const ids = removed.map(({ row }) => `${row.id}\n`).join('')
        return ids === '' ? '' : `Deleted Containers:\n${ids}\n`
      },
      plan: store => planSystemPrune(store, { all: flags.all, filter, now, inUse: imagesInUse(store) }),
    })
  },
})
