import { allocatedBytes, type SeenFiles } from './allocated.ts'
import { CACHE_MOUNT_KIND } from './cache-mounts.ts'
import { type ContentSize, contentSize } from './content-size.ts'
import type { LocalStore } from './open.ts'
import { type ContentGraph, loadGraph, reach } from './reach.ts'
import type { CacheRecord } from './types.ts'

export interface RecordUsage {
  readonly record: CacheRecord
  /** Bytes on the disk, those included that other records or images have too. */
  readonly size: number
  /** An image has its layer too, so that pruning the record frees less than `size`. */
  readonly shared: boolean
  /** No running build holds its layer. */
  readonly reclaimable: boolean
}

/** What the build cache takes, in bytes on the disk; content of several records counts once. */
export interface CacheUsage {
  readonly records: readonly RecordUsage[]
  /** Of `total`, what an image has too. */
  readonly shared: number
  /** Of `total`, what goes when all the records are pruned. */
  readonly reclaimable: number
  readonly total: number
}

/** Measures the records for which `keep` holds, all if absent, most recently used first. */
export function cacheUsage(store: LocalStore, keep: (usage: RecordUsage) => boolean = () => true): CacheUsage {
  const graph = loadGraph(store.database)
  const size = contentSize(store.layout)
  const records = recordUsages(store, graph, size)
    .filter(keep)
    .toSorted((a, b) => b.record.lastUsedAt - a.record.lastUsedAt)
  const kept = new Set(records.map(({ record }) => record.key))
  const cache = reach(graph, { records: graph.records.filter(({ key }) => kept.has(key)) })
  const images = reach(graph, { images: graph.images })
  const held = reach(graph, { holds: graph.holds })
  const mounts = records.filter(({ record }) => record.kind === CACHE_MOUNT_KIND)
  const steps = size.total(cache)
  return {
    records,
    shared: steps - size.total(cache, images),
    reclaimable: size.total(cache, images, held) + sum(mounts.filter(({ reclaimable }) => reclaimable)),
    total: steps + sum(mounts),
  }
}

function sum(usages: readonly RecordUsage[]): number {
  return usages.reduce((bytes, { size }) => bytes + size, 0)
}

/** What the folders of cache mounts take. */
export function cacheMountUsages({ cacheMounts }: LocalStore, seen: SeenFiles = new Set()): readonly RecordUsage[] {
  return cacheMounts.list().map(({ path, inUse, record }) => ({
    record,
    size: allocatedBytes(path, seen),
    shared: false,
    reclaimable: !inUse,
  }))
}

/** Of every recorded step, and of every cache mount. */
export function recordUsages(store: LocalStore, graph: ContentGraph, size: ContentSize): readonly RecordUsage[] {
  const images = reach(graph, { images: graph.images })
  const held = reach(graph, { holds: graph.holds })
  const byKey = new Map(graph.records.map(record => [record.key, record]))
  const steps = store.cache.list().flatMap(record => {
    const known = byKey.get(record.key)
    if (known === undefined) return []
    const { layer } = known
    return [
      {
        record,
        size: size.total(reach(graph, { records: [known] })),
        shared: layer !== null && images.layers.has(layer),
        reclaimable: layer === null || !held.layers.has(layer),
      },
    ]
  })
  return [...steps, ...cacheMountUsages(store)]
}
