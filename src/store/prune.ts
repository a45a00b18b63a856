import type { Digest } from '../oci/digest.ts'
import { shortDigest } from '../oci/digest.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import { CACHE_MOUNT_KIND } from './cache-mounts.ts'
import { cacheMountUsages, type RecordUsage, recordUsages } from './cache-usage.ts'
import { type CollectOptions, type CollectResult, collect } from './collect.ts'
import { type ContentSize, contentSize } from './content-size.ts'
import type { LocalStore } from './open.ts'
import { ago } from './prune-ago.ts'
import { labelThatKeeps, NO_FILTER, type PruneFilter } from './prune-filter.ts'
import { type ContentGraph, type GraphRecord, loadGraph, reach } from './reach.ts'
import type { CacheRecord, ImageSummary } from './types.ts'

export interface ImagePruneOptions {
  /** Also images that have names, unless a container uses them. Default: only untagged ones. */
  readonly all?: boolean | undefined
  readonly filter?: PruneFilter | undefined
  /** Image → name of the container that uses it. */
  readonly inUse?: ReadonlyMap<Digest, string> | undefined
  readonly now?: number | undefined
}

export interface CachePruneOptions {
  /** Also records whose layers an image needs as well. */
  readonly all?: boolean | undefined
  /** Bytes of cache to leave: the records used last stay. */
  readonly keepStorage?: number | undefined
  /** `until` is about the last use. A record has no labels. */
  readonly filter?: PruneFilter | undefined
  /** Only records for which this holds. */
  readonly only?: ((usage: RecordUsage) => boolean) | undefined
  readonly now?: number | undefined
}

/** `why` is one clause for `--explain`: `tag debian:trixie points at it`. */
export interface PlannedImage {
  readonly image: ImageSummary
  readonly remove: boolean
  readonly why: string
}

export interface PlannedRecord {
  readonly record: CacheRecord
  readonly remove: boolean
  readonly why: string
}

export interface PrunePlan {
  readonly images: readonly PlannedImage[]
  readonly records: readonly PlannedRecord[]
  /** What carrying it out frees, in bytes on the disk; content that nothing refers to any more included. */
  readonly bytes: number
}

export interface PruneResult {
  readonly images: readonly ImageSummary[]
  readonly records: readonly CacheRecord[]
  readonly collected: CollectResult
}

/** `image prune`. Nothing is changed. */
export function planImagePrune(store: LocalStore, options: ImagePruneOptions = {}): PrunePlan {
  return withBytes(store, planImages(store, options), [])
}

/** `builder prune`. Nothing is changed. */
export function planCachePrune(store: LocalStore, options: CachePruneOptions = {}): PrunePlan {
  const records = planRecords(store, options, new Set(store.images.list().map(image => image.id)))
  return withBytes(store, [], records)
}

/** `system prune`: images first, so that records which only removed images shared go too. Nothing is changed. */
export function planSystemPrune(store: LocalStore, options: ImagePruneOptions & CachePruneOptions = {}): PrunePlan {
  const images = planImages(store, options)
  const kept = new Set(images.filter(planned => !planned.remove).map(planned => planned.image.id))
  return withBytes(store, images, planRecords(store, options, kept))
}

/** Carries a plan out. What was tagged or used since the plan was made stays. */
export async function executePrune(
  store: LocalStore,
  plan: PrunePlan,
  options: CollectOptions = {},
): Promise<PruneResult> {
  const removed = store.database.write(() => ({
    images: plan.images.filter(planned => planned.remove && removeUnchanged(store, planned.image)).map(p => p.image),
    records: plan.records.filter(planned => planned.remove && removeUnused(store, planned.record)).map(p => p.record),
  }))
  return { ...removed, collected: await collect(store, options) }
}

function removeUnchanged(store: LocalStore, planned: ImageSummary): boolean {
  const image = store.images.get(planned.id)
  if (image === undefined || image.names.join() !== planned.names.join()) return false
  for (const name of image.names) store.images.untag(name, 'prune')
  store.images.remove(image.id)
  return true
}

function removeUnused(store: LocalStore, planned: CacheRecord): boolean {
  if (planned.kind === CACHE_MOUNT_KIND) {
    const mount = store.cacheMounts.list().find(({ record }) => record.key === planned.key)
    return mount !== undefined && store.cacheMounts.remove(mount.id, planned.lastUsedAt)
  }
  const sql = 'DELETE FROM cache_records WHERE key = ? AND last_used_at = ?'
  return store.database.run(sql, planned.key, planned.lastUsedAt) > 0
}

function planImages(store: LocalStore, options: ImagePruneOptions): readonly PlannedImage[] {
  return store.images.list().map(image => {
    const kept = whyImageStays(image, options)
    return { image, remove: kept === undefined, why: kept ?? whyImageGoes(image, options) }
  })
}

function whyImageStays(image: ImageSummary, options: ImagePruneOptions): string | undefined {
  const { filter = NO_FILTER, now = Date.now() } = options
  const user = options.inUse?.get(image.id)
  if (user !== undefined) return `container ${user} uses it`
  const [name] = image.names
  if (name !== undefined && !options.all) {
    const others = image.names.length > 1 ? ` and ${image.names.length - 1} more` : ''
    return `tag ${familiar(name)} points at it${others}`
  }
  if (filter.before !== undefined && image.addedAt >= filter.before) {
    return `added ${ago(image.addedAt, now)}, not before ${filter.until ?? 'the given time'}`
  }
  return labelThatKeeps(filter, image.details?.labels ?? {})
}

function whyImageGoes(image: ImageSummary, options: ImagePruneOptions): string {
  const added = `added ${ago(image.addedAt, options.now ?? Date.now())}`
  if (image.names.length === 0) return `no tag points at it, ${added}`
  return `no container uses it, ${added}; named ${image.names.map(familiar).join(', ')}`
}

function planRecords(
  store: LocalStore,
  options: CachePruneOptions,
  keptImages: ReadonlySet<Digest>,
): readonly PlannedRecord[] {
  const graph = loadGraph(store.database)
  const owners = layerOwners(store, graph, keptImages)
  const layers = new Map(graph.records.map(record => [record.key, record.layer]))
  const wanted = options.only && wantedRecords(store, graph, options.only)
  const mounts = store.cacheMounts.list()
  const inUse = new Set(mounts.filter(each => each.inUse).map(each => each.record.key))
  const planned = [...store.cache.list(), ...mounts.map(each => each.record)].map((record): PlannedRecord => {
    const left = inUse.has(record.key)
      ? 'a running build uses it'
      : wanted?.has(record.key) === false
        ? 'no filter asks for it'
        : undefined
    const kept = left ?? whyRecordStays(record, owners.get(layers.get(record.key) ?? -1), options)
    const used = `last used ${ago(record.lastUsedAt, options.now ?? Date.now())}, ${record.uses} times in all`
    return { record, remove: kept === undefined, why: kept ?? used }
  })
  return options.keepStorage === undefined
    ? planned
    : keepRecent(store, graph, keptImages, planned, options.keepStorage)
}

function wantedRecords(
  store: LocalStore,
  graph: ContentGraph,
  only: (usage: RecordUsage) => boolean,
): ReadonlySet<Digest> {
  const usages = recordUsages(store, graph, contentSize(store.layout))
  return new Set(usages.filter(only).map(({ record }) => record.key))
}

function whyRecordStays(
  record: CacheRecord,
  owner: string | undefined,
  options: CachePruneOptions,
): string | undefined {
  const { filter = NO_FILTER, now = Date.now() } = options
  if (owner !== undefined && !options.all) return `its layer is part of image ${owner}`
  if (filter.before !== undefined && record.lastUsedAt >= filter.before) {
    return `last used ${ago(record.lastUsedAt, now)}, not before ${filter.until ?? 'the given time'}`
  }
  return labelThatKeeps(filter, {})
}

/** For each layer of a kept image, what to call that image: by a name if one of them has one. */
function layerOwners(store: LocalStore, graph: ContentGraph, kept: ReadonlySet<Digest>): ReadonlyMap<number, string> {
  const owners = new Map<number, string>()
  const images = store.images.list()
  for (const image of [...images].sort((a, b) => Number(b.names.length > 0) - Number(a.names.length > 0))) {
    if (!kept.has(image.id)) continue
    const [name] = image.names
    const shown = name === undefined ? shortDigest(image.id) : familiar(name)
    for (const layer of reach(graph, { images: [image.id] }).layers) if (!owners.has(layer)) owners.set(layer, shown)
  }
  return owners
}

/** Takes the records used longest ago until the rest, apart from what images need, fits into `limit` bytes. */
function keepRecent(
  store: LocalStore,
  graph: ContentGraph,
  keptImages: ReadonlySet<Digest>,
  planned: readonly PlannedRecord[],
  limit: number,
): readonly PlannedRecord[] {
  const size = contentSize(store.layout)
  const records = new Map(graph.records.map(record => [record.key, record]))
  const contentOf = (record: CacheRecord) => reach(graph, { records: [records.get(record.key) as GraphRecord] })
  const images = reach(graph, { images: keptImages })
  const users = new Map<string | number, number>()
  const known = planned.filter(({ record }) => records.has(record.key))
  for (const { record } of known) {
    const { blobs, trees } = contentOf(record)
    for (const item of [...blobs, ...trees]) users.set(item, (users.get(item) ?? 0) + 1)
  }
  const mounts = mountSizes(store)
  let total = size.total(reach(graph, { records: graph.records }), images)
  for (const bytes of mounts.values()) total += bytes
  const going = new Set<Digest>()
  const candidates = planned
    .filter(({ remove, record }) => remove && (records.has(record.key) || mounts.has(record.key)))
    .sort((a, b) => a.record.lastUsedAt - b.record.lastUsedAt)
  for (const { record } of candidates) {
    if (total <= limit) break
    going.add(record.key)
    total -= mounts.get(record.key) ?? 0
    if (!records.has(record.key)) continue
    const { blobs, trees } = contentOf(record)
    for (const digest of blobs) if (released(users, digest) && !images.blobs.has(digest)) total -= size.blob(digest)
    for (const id of trees) if (released(users, id) && !images.trees.has(id)) total -= size.tree(id)
  }
  const why = `the cache used last fits into the ${limit} bytes to keep`
  return planned.map(each => (each.remove && !going.has(each.record.key) ? { ...each, remove: false, why } : each))
}

function mountSizes(store: LocalStore): ReadonlyMap<Digest, number> {
  return new Map(cacheMountUsages(store).map(({ record, size }) => [record.key, size]))
}

function released(users: Map<string | number, number>, item: string | number): boolean {
  const left = (users.get(item) ?? 1) - 1
  users.set(item, left)
  return left === 0
}

function withBytes(store: LocalStore, images: readonly PlannedImage[], records: readonly PlannedRecord[]): PrunePlan {
  return { images, records, bytes: freedBytes(store, images, records, contentSize(store.layout)) }
}

function freedBytes(
  store: LocalStore,
  images: readonly PlannedImage[],
  records: readonly PlannedRecord[],
  size: ContentSize,
): number {
  const graph = loadGraph(store.database)
  const imagesGoing = new Set(images.filter(planned => planned.remove).map(planned => planned.image.id))
  const recordsGoing = new Set(records.filter(planned => planned.remove).map(planned => planned.record.key))
  const kept = reach(graph, {
    images: graph.images.filter(id => !imagesGoing.has(id)),
    records: graph.records.filter(record => !recordsGoing.has(record.key)),
    containers: graph.containers,
    holds: graph.holds,
    registry: graph.registry,
  })
  const everything = {
    ...kept,
    blobs: new Set(graph.blobs.keys()),
    trees: new Set(graph.trees.map(tree => tree.id)),
  }
  const mounts = recordsGoing.size === 0 ? new Map<Digest, number>() : mountSizes(store)
  const mountBytes = [...mounts].reduce((sum, [key, bytes]) => sum + (recordsGoing.has(key) ? bytes : 0), 0)
  return size.total(everything, kept) + mountBytes
}

function familiar(name: string): string {
  return familiarReference(parseReference(name))
}
