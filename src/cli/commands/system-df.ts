import { containerFolder } from '../../container/folder.ts'
import { isActive, settleAll } from '../../container/settle.ts'
import { shortDigest } from '../../oci/digest.ts'
import { allocatedBytes } from '../../store/allocated.ts'
import type { ContainerRow } from '../../store/containers.ts'
import { type DetailedUsage, detailedUsage, diskUsage, type UsageRow } from '../../store/disk-usage.ts'
import type { LocalStore } from '../../store/open.ts'
import { command } from '../command.ts'
import { CONTAINER_LISTING, containerRow, type ListedContainer, listed, portsShown } from '../container-rows.ts'
import { diskUsageFields } from '../disk-usage-fields.ts'
import { boolean, text } from '../flag.ts'
import { formatOne, formatRows, type Listing } from '../format/format.ts'
import { humanSize } from '../format/size.ts'
import { renderTable } from '../format/table.ts'
import { timeAgo } from '../format/time.ts'
import { createdAt, namedImages } from '../image-rows.ts'
import { VOLUME_LISTING, volumeRow } from '../volume-rows.ts'

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

/** They have tables of their own. */
const LISTED: ReadonlySet<UsageRow['type']> = new Set(['Images', 'Containers', 'Local Volumes', 'Build Cache'])

const USUAL = 'table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}'
const CONTAINERS =
  'table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}'
const VOLUMES = 'table {{.Name}}\t{{.Links}}\t{{.Size}}'

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
    const containers = settleAll(store)
    const active = {
      activeImages: new Set(containers.map(({ image }) => image)),
      activeContainers: new Set(containers.filter(isActive).map(({ id }) => id)),
    }
    if (flags.verbose) {
      const usage = detailedUsage(store, active)
      const now = Date.now()
      const more = used(store, containers, now)
      const isText = flags.format === undefined || flags.format === 'table'
      context.out.write(isText ? details(usage, more, now) : formatOne(flags.format, diskUsageFields(usage, more, now)))
      return 0
    }
    const { rows, total } = diskUsage(store, active)
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

function details(
  { images, records, rows, total }: DetailedUsage,
  { containers, volumes }: ReturnType<typeof used>,
  now: number,
): string {
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
  const others = rows.filter(({ type }) => !LISTED.has(type))
  return [
    'Images space usage:\n',
    renderTable([['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE', 'SHARED SIZE', 'UNIQUE SIZE'], ...imageRows]),
    'SIZE is what the image takes on this disk, packed or unpacked; in `shale images` it is the unpacked files alone.\n',
    'Containers space usage:\n',
    formatRows(CONTAINERS, CONTAINER_LISTING, containers as readonly Readonly<Record<string, unknown>>[]),
    'Local Volumes space usage:\n',
    formatRows(VOLUMES, VOLUME_LISTING, volumes),
    `Build cache usage: ${humanSize(rows.find(({ type }) => type === 'Build Cache')?.size ?? 0)}\n`,
    renderTable([['CACHE ID', 'CACHE TYPE', 'SIZE', 'CREATED', 'LAST USED', 'USAGE', 'SHARED'], ...recordRows]),
    ...others.map(({ type, size }) => `${type}: ${humanSize(size)}`),
    `\nTotal: ${humanSize(total)}\n`,
  ].join('\n')
}

/** Rows with the fields of docker's `ps` and `volume ls`; both have their sizes here. */
function used(store: LocalStore, containers: readonly ContainerRow[], now: number) {
  const size = ({ row }: ListedContainer) => humanSize(allocatedBytes(containerFolder(store, row.id).path, new Set()))
  return {
    containers: containers.map(row => containerRow(listed(row), { now, truncate: true, size, ports: portsShown })),
    volumes: store.volumes.list().map(volume => ({
      ...volumeRow(volume),
      Links: String(volume.users.length),
      Size: humanSize(allocatedBytes(volume.mountpoint, new Set())),
    })),
  }
}
