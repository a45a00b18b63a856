import { prunableContainers, pruneContainers } from '../../container/prune.ts'
import { parsePruneFilters } from '../../store/prune-filter.ts'
import { command } from '../command.ts'
import { boolean, list } from '../flag.ts'
import { humanSize } from '../format/size.ts'
import { confirm } from '../prompt.ts'

export default command({
  usage: '[OPTIONS]',
  about: 'Remove all containers that do not run.',
  examples: [
    ['container prune', 'what is over'],
    ['container prune -f --filter until=24h', 'of those that are older than a day, without asking'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    dryRun: boolean('Only show what would go'),
    filter: list("Only what matches: 'until=24h', 'label=KEY[=VALUE]', 'label!=KEY'", { placeholder: 'filter' }),
    force: boolean('Do not ask', { short: 'f' }),
  },
  async run(context, { flags }) {
    const filter = parsePruneFilters(flags.filter, Date.now())
    const store = await context.store()
    if (!flags.dryRun && !flags.force) {
      await confirm(context, 'WARNING! This will remove all stopped containers.', 'container prune')
    }
    const found = prunableContainers(store, filter)
    const removed = flags.dryRun ? found : await pruneContainers(store, found)
    const ids = removed.map(({ row }) => `${row.id}\n`).join('')
    const heading = flags.dryRun ? 'Would delete containers' : 'Deleted Containers'
    const total = flags.dryRun ? 'Total that would be reclaimed' : 'Total reclaimed space'
    const bytes = removed.reduce((sum, each) => sum + each.bytes, 0)
    context.out.write(`${ids === '' ? '' : `${heading}:\n${ids}\n`}${total}: ${humanSize(bytes)}\n`)
    return 0
  },
})
