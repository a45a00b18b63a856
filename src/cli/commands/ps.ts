import { containerFolder } from '../../container/folder.ts'
import { isActive, settleAll } from '../../container/settle.ts'
import { allocatedBytes } from '../../store/allocated.ts'
import type { LocalStore } from '../../store/open.ts'
import { command } from '../command.ts'
import { CONTAINER_FILTERS, filterContainers } from '../container-filter.ts'
import { CONTAINER_LISTING, containerRow, type ListedContainer, listed, portsShown } from '../container-rows.ts'
import { parseFilters } from '../filter.ts'
import { boolean, list, text } from '../flag.ts'
import { formatRows } from '../format/format.ts'
import { humanSize } from '../format/size.ts'
import { UsageError } from '../usage-error.ts'

const USUAL = 'table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}'

export default command({
  usage: '[OPTIONS]',
  about: 'List containers that run, or all of them.',
  examples: [
    ['ps -a', 'those that have ended, too'],
    ['ps -aq --filter status=exited', 'IDs of those that have ended'],
    ["ps --format '{{.Names}}: {{.Status}}'", 'through a Go template'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    all: boolean('Also those that do not run', { short: 'a' }),
    filter: list(`Only those for which this holds (${CONTAINER_FILTERS.join(', ')})`, {
      short: 'f',
      placeholder: 'filter',
    }),
    format: text("Go template, 'table TEMPLATE', or json"),
    last: text('The last ones that were made, whether they run or not', { short: 'n', placeholder: 'number' }),
    latest: boolean('The one that was made last', { short: 'l' }),
    noTrunc: boolean('Show IDs and commands whole'),
    quiet: boolean('Only IDs', { short: 'q' }),
    size: boolean('Show what they have written', { short: 's' }),
  },
  async run(context, { flags }) {
    const filters = parseFilters(flags.filter, CONTAINER_FILTERS)
    const last = flags.latest ? 1 : flags.last === undefined ? undefined : count(flags.last)
    const store = await context.store()
    const all = settleAll(store).map(listed)
    const wantsAll = flags.all || last !== undefined || filters.has('status') || filters.has('exited')
    const shown = filterContainers(store, filters, all).filter(({ row }) => wantsAll || runs(row))
    const usual = flags.quiet ? '{{.ID}}' : flags.size ? `${USUAL}\t{{.Size}}` : USUAL
    const format = flags.format === undefined || flags.format === 'table' ? usual : flags.format
    const looks = {
      now: Date.now(),
      truncate: !flags.noTrunc,
      size: (container: ListedContainer) => (flags.size || /\.Size\b/.test(format) ? sizeText(store, container) : '0B'),
      ports: portsShown,
    }
    const rows = shown.slice(0, last).map(container => containerRow(container, looks))
    context.out.write(formatRows(format, CONTAINER_LISTING, rows as readonly Readonly<Record<string, unknown>>[]))
    return 0
  },
})

function runs(row: ListedContainer['row']): boolean {
  return isActive(row) && row.status !== 'starting'
}

function count(word: string): number | undefined {
  if (!/^-?\d+$/.test(word)) {
    const message = `invalid argument ${JSON.stringify(word)} for "-n, --last" flag: it is a whole number`
    throw new UsageError(message, "See 'shale ps --help'.", 125)
  }
  return Number(word) < 0 ? undefined : Number(word)
}

function sizeText(store: LocalStore, { row }: ListedContainer): string {
  const own = allocatedBytes(containerFolder(store, row.id).upper, new Set())
  return humanSize(own)
}
