import { shortDigest } from '../../oci/digest.ts'
import { type CacheUsage, cacheUsage, type RecordUsage } from '../../store/cache-usage.ts'
import { CACHE_FILTERS, parseCacheFilters } from '../cache-filter.ts'
import { command } from '../command.ts'
import { boolean, list, text } from '../flag.ts'
import { formatRows, type Listing } from '../format/format.ts'
import { humanSize } from '../format/size.ts'
import { renderTable } from '../format/table.ts'
import { goTime, timeAgo } from '../format/time.ts'

/** The fields of buildx's `du --format`. */
const LISTING: Listing = {
  type: 'du.Record',
  headings: {
    CreatedAt: 'CREATED AT',
    Description: 'DESCRIPTION',
    ID: 'ID',
    InUse: 'IN USE',
    LastUsedAt: 'LAST ACCESSED',
    Mutable: 'MUTABLE',
    Reclaimable: 'RECLAIMABLE',
    Shared: 'SHARED',
    Size: 'SIZE',
    Type: 'TYPE',
    UsageCount: 'USAGE',
  },
}

export default command({
  usage: '[OPTIONS]',
  about: 'Show what the recorded build steps take on the disk. A size with * is shared: an image has that layer too.',
  examples: [
    ['builder du', 'every recorded step, the one used last first'],
    ['builder du --verbose', 'with what the steps are'],
    ['builder du --filter until=168h', 'those not used for a week'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    filter: list(`Show only steps for which this holds (${CACHE_FILTERS.join(', ')})`, { placeholder: 'filter' }),
    format: text("Go template, 'table TEMPLATE', or json"),
    verbose: boolean('Show everything that is known of each step'),
  },
  async run(context, { flags }) {
    const now = Date.now()
    const { until, matches } = parseCacheFilters(flags.filter, now)
    const usage = cacheUsage(
      await context.store(),
      one => (until.before === undefined || one.record.lastUsedAt <= until.before) && (matches?.(one) ?? true),
    )
    if (flags.format !== undefined && flags.format !== 'table') {
      context.out.write(
        formatRows(
          flags.format,
          LISTING,
          usage.records.map(one => row(one, now)),
        ),
      )
      return 0
    }
    if (flags.verbose) context.out.write(usage.records.map(one => `${renderPairs(details(one, now))}\n`).join(''))
    else if (usage.records.length > 0) context.out.write(table(usage.records, now))
    context.out.write(renderPairs(totals(usage)))
    return 0
  },
})

function table(records: readonly RecordUsage[], now: number): string {
  const rows = records.map(({ record, size, shared, reclaimable }) => [
    shortDigest(record.key),
    String(reclaimable),
    `${humanSize(size)}${shared ? '*' : ''}`,
    timeAgo(record.lastUsedAt, now),
  ])
  return renderTable([['ID', 'RECLAIMABLE', 'SIZE', 'LAST ACCESSED'], ...rows])
}

function row({ record, size, shared, reclaimable }: RecordUsage, now: number): Record<string, string> {
  return {
    CreatedAt: goTime(record.createdAt),
    Description: record.title,
    ID: record.key,
    InUse: String(!reclaimable),
    LastUsedAt: timeAgo(record.lastUsedAt, now),
    Mutable: 'false',
    Reclaimable: String(reclaimable),
    Shared: String(shared),
    Size: humanSize(size),
    Type: record.kind,
    UsageCount: String(record.uses),
  }
}

type Pairs = readonly (readonly [name: string, value: string])[]

function details(usage: RecordUsage, now: number): Pairs {
  const fields = row(usage, now)
  const field = (title: string, name: string): readonly [string, string] => [`${title}:`, fields[name] ?? '']
  return [
    field('ID', 'ID'),
    field('Created at', 'CreatedAt'),
    field('Mutable', 'Mutable'),
    field('Reclaimable', 'Reclaimable'),
    field('Shared', 'Shared'),
    field('Size', 'Size'),
    field('Description', 'Description'),
    field('Usage count', 'UsageCount'),
    field('Last used', 'LastUsedAt'),
    field('Type', 'Type'),
  ]
}

/** As buildx ends: what is shared is told apart only if there is some. */
function totals({ shared, reclaimable, total }: CacheUsage): Pairs {
  const parts: Pairs =
    shared === 0
      ? []
      : [
          ['Shared:', humanSize(shared)],
          ['Private:', humanSize(total - shared)],
        ]
  return [...parts, ['Reclaimable:', humanSize(reclaimable)], ['Total:', humanSize(total)]]
}

function renderPairs(pairs: Pairs): string {
  return renderTable(pairs.map(([name, value]) => [name, value.replaceAll('\n', ' ')]))
}
