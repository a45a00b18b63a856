import { shortDigest } from '../../oci/digest.ts'
import { type DetailedUsage, detailedUsage, diskUsage, type UsageRow } from '../../store/disk-usage.ts'
import { command } from '../command.ts'
import { diskUsageFields } from '../disk-usage-fields.ts'
import { boolean, text } from '../flag.ts'
import { formatOne, formatRows, type Listing } from '../format/format.ts'
import { humanSize } from '../format/size.ts'
import { renderTable } from '../format/table.ts'
import { timeAgo } from '../format/time.ts'
import { createdAt, namedImages } from '../image-rows.ts'

const LISTING: Listing = {
  type: '*formatter.diskUsageContext',
  headings: {
    Active: 'ACTIVE',
    Reclaimable: 'RECLAIMABLE',
    Size: 'SIZE',
    TotalCount: 'TOTAL',
    Type: 'TYPE',
  },
}

const USUAL = 'table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}'

export default command({
  usage: '[OPTIONS]',
  about:
    'Show what takes how much disk space, as it lies on the disk: layers are packed there, unpacked, or both. The sum is ' +
    'what `du` says of the store’s folder.',
  examples: [
    ['system df', 'a line for each kind'],
    ['system df -v', 'every image and every recorded build step'],
  ],
  args: { min: 0, max: 0 },
  flags: {
    format: text("Go template, 'table TEMPLATE', or json"),
    verbose: boolean('A line for each image and each build step', { short: 'v' }),
  },
  async run(context, { flags }) {
    const store = await context.store()
    if (flags.verbose) {
      const usage = detailedUsage(store)
      const now = Date.now()
      const isText = flags.format === undefined || flags.format === 'table'
      context.out.write(isText ? details(usage, now) : formatOne(flags.format, diskUsageFields(usage, now)))
      return 0
    }
    const { rows, total } = diskUsage(store)
    const format = flags.format === undefined || flags.format === 'table' ? USUAL : flags.format
    context.out.write(formatRows(format, LISTING, rows.map(usageRow)))
    if (format === USUAL) context.out.write(`\nTotal: ${humanSize(total)} in ${store.root}\n`)
    return 0
  },
})

function usageRow({ type, total, active, size, reclaimable }: UsageRow): Record<string, string> {
  const percent = size === 0 ? '' : ` (${Math.trunc((reclaimable * 100) / size)}%)`
  return {
    Active: String(active),
    Reclaimable: `${humanSize(reclaimable)}${percent}`,
    Size: humanSize(size),
    TotalCount: String(total),
    Type: type,
  }
}

function details({ images, records, rows, total }: DetailedUsage, now: number): string {
  const imageRows = images.flatMap(({ image, size, shared, unique }) =>
    namedImages(image).map(({ repository, tag }) => [
      repository,
      tag,
      shortDigest(image.id),
      timeAgo(createdAt(image), now),
      humanSize(size),
      humanSize(shared),
      humanSize(unique),
    ]),
  )
  const recordRows = records.map(({ record, size, shared }) => [
    shortDigest(record.key),
    record.kind,
    humanSize(size),
    timeAgo(record.createdAt, now),
    timeAgo(record.lastUsedAt, now),
    String(record.uses),
    String(shared),
  ])
  const others = rows.filter(({ type }) => type !== 'Images' && type !== 'Build Cache')
  return [
    'Images space usage:\n',
    renderTable([['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE', 'SHARED SIZE', 'UNIQUE SIZE'], ...imageRows]),
    'SIZE is what the image takes on this disk, packed or unpacked; in `shale images` it is the unpacked files alone.\n',
    `Build cache usage: ${humanSize(rows.find(({ type }) => type === 'Build Cache')?.size ?? 0)}\n`,
    renderTable([['CACHE ID', 'CACHE TYPE', 'SIZE', 'CREATED', 'LAST USED', 'USAGE', 'SHARED'], ...recordRows]),
    ...others.map(({ type, size }) => `${type}: ${humanSize(size)}`),
    `\nTotal: ${humanSize(total)}\n`,
  ].join('\n')
}
