import type { VolumeInfo } from '../../store/volumes.ts'
import { command } from '../command.ts'
import { booleanFilter, type Filters, matchesLabels, parseFilters } from '../filter.ts'
import { boolean, list } from '../flag.ts'
import { humanSize } from '../format/size.ts'
import { confirm } from '../prompt.ts'
import { removeVolumes, unusedVolumes, volumeSizes } from '../unused-volumes.ts'

const KEYS = ['all', 'label', 'label!']

export default command({
  usage: '[OPTIONS]',
  about: 'Remove anonymous volumes that no container has, with --all those with a name too.',
  examples: [
    ['volume prune', 'what containers left behind'],
    ['volume prune -a -f --filter label!=keep', 'all that is unused and not labelled'],
    ['volume prune -a --dry-run', 'what would go'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    all: boolean('Also volumes that were given a name', { short: 'a' }),
    dryRun: boolean('Only show what would go'),
    filter: list("Only what matches: 'label=KEY[=VALUE]', 'label!=KEY'", { placeholder: 'filter' }),
    force: boolean('Do not ask', { short: 'f' }),
  },
  async run(context, { flags }) {
    const filters = parseFilters(flags.filter, KEYS)
    const all = flags.all || booleanFilter(filters, 'all') === true
    const { volumes } = await context.store()
    const unused = unusedVolumes(volumes, all).filter(volume => matches(volume, filters))
    if (!flags.dryRun && !flags.force) {
      const which = all ? 'all local' : 'anonymous local'
      const warning = `WARNING! This will remove ${which} volumes not used by at least one container.`
      await confirm(context, warning, 'volume prune')
    }
    const removed = flags.dryRun ? volumeSizes(unused) : await removeVolumes(volumes, unused)
    const lines = removed.map(({ name }) => `${name}\n`).join('')
    const heading = flags.dryRun ? 'Would delete volumes:\n' : 'Deleted Volumes:\n'
    const bytes = removed.reduce((sum, each) => sum + each.bytes, 0)
    const total = flags.dryRun ? 'Total that would be reclaimed' : 'Total reclaimed space'
    context.out.write(`${lines === '' ? '' : `${heading}${lines}\n`}${total}: ${humanSize(bytes)}\n`)
    return 0
  },
})

function matches({ labels }: VolumeInfo, filters: Filters): boolean {
  const unwanted = filters.get('label!') ?? []
  return matchesLabels(labels, filters.get('label') ?? []) && !unwanted.some(want => matchesLabels(labels, [want]))
}
