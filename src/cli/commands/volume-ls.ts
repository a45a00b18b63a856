import { command } from '../command.ts'
import { booleanFilter, matchesLabels, parseFilters } from '../filter.ts'
import { boolean, list, text } from '../flag.ts'
import { formatRows } from '../format/format.ts'
import { matchesName, VOLUME_LISTING, volumeRow } from '../volume-rows.ts'

const KEYS = ['dangling', 'driver', 'label', 'name']
const USUAL = 'table {{.Driver}}\t{{.Name}}'

export default command({
  usage: '[OPTIONS]',
  about: 'List volumes.',
  examples: [
    ['volume ls', 'all of them'],
    ['volume ls -q --filter dangling=true', 'names of those that no container has'],
    ["volume ls --format '{{.Name}} {{.Mountpoint}}'", 'and where they are'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    filter: list(`Show only volumes for which this holds (${KEYS.join(', ')})`, { short: 'f', placeholder: 'filter' }),
    format: text("Go template, 'table TEMPLATE', or json"),
    quiet: boolean('Show only names', { short: 'q' }),
  },
  async run(context, { flags }) {
    const filters = parseFilters(flags.filter, KEYS)
    const dangling = booleanFilter(filters, 'dangling')
    const drivers = filters.get('driver') ?? []
    const { volumes } = await context.store()
    const found = volumes
      .list()
      .filter(({ name }) => matchesName(name, filters.get('name') ?? []))
      .filter(({ labels }) => matchesLabels(labels, filters.get('label') ?? []))
      .filter(({ users }) => dangling === undefined || dangling === (users.length === 0))
      .filter(() => drivers.length === 0 || drivers.includes('local'))
    const usual = flags.quiet ? '{{.Name}}' : USUAL
    const format = flags.format === undefined || flags.format === 'table' ? usual : flags.format
    context.out.write(formatRows(format, VOLUME_LISTING, found.map(volumeRow)))
    return 0
  },
})
