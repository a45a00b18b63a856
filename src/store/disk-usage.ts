import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '../oci/digest.ts'
import { allocatedByFolder, allocatedBytes } from './allocated.ts'
import { cacheMountUsages, type RecordUsage, recordUsages } from './cache-usage.ts'
import { type ContentSize, contentSize } from './content-size.ts'
import { blobPath, type Layout, treePath } from './layout.ts'
import type { LocalStore } from './open.ts'
import { type ContentGraph, loadGraph, type Reach, reach } from './reach.ts'
import type { ImageSummary } from './types.ts'

/** A row of `system df`. Sizes in bytes on the disk. */
export interface UsageRow {
  readonly type: 'Images' | 'Containers' | 'Local Volumes' | 'Build Cache' | 'Registry' | 'Metadata'
  readonly total: number
  readonly active: number
  readonly size: number
  readonly reclaimable: number
}

export interface ImageUsage {
  readonly image: ImageSummary
  readonly size: number
  /** Of that, what another image has too. */
  readonly shared: number
  readonly unique: number
}

export interface DiskUsage {
  readonly rows: readonly UsageRow[]
  /** Sum of the rows: what `du -s` says of the store's folder. */
  readonly total: number
}

export interface DetailedUsage extends DiskUsage {
  readonly images: readonly ImageUsage[]
  readonly records: readonly RecordUsage[]
}

export interface UsageOptions {
  /** Images that containers use. */
  readonly activeImages?: ReadonlySet<Digest> | undefined
  /** IDs of the containers that run. */
  readonly activeContainers?: ReadonlySet<string> | undefined
}

/**
 * Measures the store. Allocated blocks are counted, hard links once, every file in exactly one row:
 * what an image needs is Images, also when the build cache needs it too; what only the build cache needs is Build Cache,
 * cache mounts included;
 * `containers/` and `volumes/` have their rows; what only repositories of the registry need is Registry, a row that is
 * there when there are any; all else is Metadata: the database, the stat index, folders, temporary files, and content
 * that nothing refers to. Reclaimable of Images is what only unused images need, of Build Cache what no running build
 * holds, of Registry what no manifest needs, of Metadata the unreferenced content and the trash.
 */
export function diskUsage(store: LocalStore, options: UsageOptions = {}): DiskUsage {
  return measure(store, options).usage
}

/** The same with a line for every image and cache record, for `system df -v`. */
export function detailedUsage(store: LocalStore, options: UsageOptions = {}): DetailedUsage {
  const { usage, size, graph } = measure(store, options)
  return { ...usage, images: imageUsages(store, graph, size), records: recordUsages(store, graph, size) }
}

interface Measured {
  readonly usage: DiskUsage
  readonly size: ContentSize
  readonly graph: ContentGraph
}

function measure(store: LocalStore, options: UsageOptions): Measured {
  const { layout, database } = store
  const graph = loadGraph(database)
  const seen = new Set<string>()
  const size = contentSize(layout, seen)
  const images = reach(graph, { images: graph.images })
  const { registry } = graph
  const active = reach(graph, { images: options.activeImages ?? [], holds: graph.holds, registry })
  const cache = reach(graph, { records: graph.records })
  const held = reach(graph, { holds: graph.holds, registry })
  const served = reach(graph, { registry })
  const mounts = cacheMountUsages(store, seen)
  const mountBytes = (counted: readonly RecordUsage[]) => counted.reduce((bytes, { size }) => bytes + size, 0)
  const rows: UsageRow[] = [
    {
      type: 'Images',
      total: graph.images.length,
      active: graph.images.filter(id => options.activeImages?.has(id)).length,
      size: size.total(images),
      reclaimable: size.total(images, active),
    },
    containersRow(join(layout.root, 'containers'), options.activeContainers ?? new Set(), seen),
    volumesRow(store, seen),
    {
      type: 'Build Cache',
      total: graph.records.length + mounts.length,
      active:
        graph.records.filter(({ layer }) => layer !== null && held.layers.has(layer)).length +
        mounts.filter(({ reclaimable }) => !reclaimable).length,
      size: size.total(cache, images) + mountBytes(mounts),
      reclaimable: size.total(cache, images, held) + mountBytes(mounts.filter(({ reclaimable }) => reclaimable)),
    },
    ...registryRow(store, size, served, [images, cache]),
    metadataRow(store, [images, cache, served], held, seen),
  ]
  return { usage: { rows, total: rows.reduce((sum, row) => sum + row.size, 0) }, size, graph }
}

/** TOTAL counts manifests; active are those that a tag or another manifest names. */
function registryRow(
  { database }: LocalStore,
  size: ContentSize,
  served: Reach,
  others: readonly Reach[],
): readonly UsageRow[] {
  if (served.blobs.size === 0) return []
  const [counts] = database.all<{ total: number; active: number }>(
    `SELECT count(*) AS total, count(*) FILTER (WHERE
       EXISTS (SELECT 1 FROM registry_tags t WHERE t.repository = m.repository AND t.digest = m.digest) OR
       EXISTS (SELECT 1 FROM registry_refs r WHERE r.repository = m.repository AND r.digest = m.digest)) AS active
     FROM registry_manifests m`,
  )
  const needed = database.all<{ digest: Digest }>(
    'SELECT digest FROM registry_manifests UNION SELECT digest FROM registry_refs',
  )
  const kept = { ...served, blobs: new Set(needed.map(({ digest }) => digest)) }
  const { total = 0, active = 0 } = counts ?? {}
  const reclaimable = size.total(served, kept, ...others)
  return [{ type: 'Registry', total, active, size: size.total(served, ...others), reclaimable }]
}

/** A container's folder is named by its ID. */
function containersRow(folder: string, running: ReadonlySet<string>, seen: Set<string>): UsageRow {
  const measured = readNames(folder).map(name => ({
    active: running.has(name),
    bytes: allocatedBytes(join(folder, name), seen),
  }))
  const idle = measured.filter(({ active }) => !active)
  return {
    type: 'Containers',
    total: measured.length,
    active: measured.length - idle.length,
    size: sum(measured) + allocatedByFolder(folder),
    reclaimable: sum(idle),
  }
}

function volumesRow({ layout, volumes }: LocalStore, seen: Set<string>): UsageRow {
  const measured = volumes.list().map(({ name, users }) => ({
    bytes: allocatedBytes(join(layout.volumes, name), seen),
    active: users.length > 0,
  }))
  const known = new Set(volumes.list().map(({ name }) => name))
  // A folder without a row, as after a crash between the two.
  const others = readNames(layout.volumes)
    .filter(name => !known.has(name))
    .reduce((total, name) => total + allocatedBytes(join(layout.volumes, name), seen), 0)
  return {
    type: 'Local Volumes',
    total: measured.length,
    active: measured.filter(({ active }) => active).length,
    size: sum(measured) + allocatedByFolder(layout.volumes) + others,
    reclaimable: sum(measured.filter(({ active }) => !active)),
  }
}

function metadataRow(
  { layout, cacheMounts }: LocalStore,
  counted: readonly Reach[],
  held: Reach,
  seen: Set<string>,
): UsageRow {
  const mountPaths = new Set(cacheMounts.list().map(({ path }) => path))
  const algorithms = readNames(layout.blobs).map(name => join(layout.blobs, name))
  const blobs = algorithms.flatMap(folder => readNames(folder).map(name => join(folder, name)))
  const trees = readNames(layout.trees).map(name => join(layout.trees, name))
  const countedPaths = new Set(counted.flatMap(content => pathsOf(layout, content)))
  const heldPaths = new Set(pathsOf(layout, held))
  const own = ['blobs', 'trees', 'caches', 'containers', 'volumes']
  const folders = [layout.root, layout.blobs, layout.trees, layout.caches, ...algorithms]
  let bytes = folders.reduce((sum, folder) => sum + allocatedByFolder(folder), 0)
  let reclaimable = 0
  const caches = readNames(layout.caches).map(name => join(layout.caches, name))
  for (const path of [...blobs, ...trees, ...caches]) {
    if (countedPaths.has(path) || mountPaths.has(path)) continue
    const unreferenced = allocatedBytes(path, seen)
    bytes += unreferenced
    if (!heldPaths.has(path)) reclaimable += unreferenced
  }
  for (const name of readNames(layout.root)) {
    if (own.includes(name)) continue
    const part = allocatedBytes(join(layout.root, name), seen)
    bytes += part
    if (join(layout.root, name) === layout.trash) reclaimable += part - allocatedByFolder(layout.trash)
  }
  return { type: 'Metadata', total: 1, active: 1, size: bytes, reclaimable }
}

function pathsOf(layout: Layout, content: Reach): readonly string[] {
  return [
    ...[...content.blobs].map(digest => blobPath(layout, digest)),
    ...[...content.trees].map(id => treePath(layout, id)),
  ]
}

function sum(all: readonly { readonly bytes: number }[]): number {
  return all.reduce((total, { bytes }) => total + bytes, 0)
}

function readNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function imageUsages(store: LocalStore, graph: ContentGraph, size: ContentSize): readonly ImageUsage[] {
  const reaches = new Map(graph.images.map(id => [id, reach(graph, { images: [id] })]))
  const users = new Map<string | number, number>()
  for (const { blobs, trees } of reaches.values()) {
    for (const item of [...blobs, ...trees]) users.set(item, (users.get(item) ?? 0) + 1)
  }
  return store.images.list().flatMap(image => {
    const content = reaches.get(image.id)
    if (content === undefined) return []
    const shared = size.total({
      ...content,
      blobs: new Set([...content.blobs].filter(digest => (users.get(digest) ?? 0) > 1)),
      trees: new Set([...content.trees].filter(id => (users.get(id) ?? 0) > 1)),
    })
    const whole = size.total(content)
    return [{ image, size: whole, shared, unique: whole - shared }]
  })
}
