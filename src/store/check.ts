import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { streamVerified } from './blob-read.ts'
import { blobPath } from './layout.ts'
import type { LocalStore } from './open.ts'
import { type ContentGraph, loadGraph, reach } from './reach.ts'
import { moveToTrash } from './temp.ts'
import type { CacheRecord } from './types.ts'

/** Something wrong with the store. `id` is a digest. */
export interface Finding {
  readonly kind: 'blob' | 'image' | 'record'
  readonly id: Digest
  /** One sentence. */
  readonly problem: string
}

export interface CheckOptions {
  /**
   * Forget damaged blobs, so that they are fetched or made again, and the cache records that cannot be used without
   * them. Images stay: pulling or building them again completes them.
   */
  readonly repair?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface CheckResult {
  readonly findings: readonly Finding[]
  /** Blobs read, and their bytes. */
  readonly blobs: number
  readonly bytes: number
}

/** Reads every blob, and looks whether images and cache records have all that they need. */
export async function checkStore(store: LocalStore, options: CheckOptions = {}): Promise<CheckResult> {
  const graph = loadGraph(store.database)
  const lost = new Map<Digest, string>()
  let bytes = 0
  for (const [digest, size] of graph.blobs) {
    options.signal?.throwIfAborted()
    const problem = await problemOf(store, digest, size)
    if (problem === undefined) bytes += size
    else lost.set(digest, problem)
  }
  const there = new Set([...graph.blobs.keys()].filter(digest => !lost.has(digest)))
  const records = brokenRecords(store, graph, there)
  const findings: readonly Finding[] = [
    ...[...lost].map(([id, problem]): Finding => ({ kind: 'blob', id, problem })),
    ...brokenImages(graph, there),
    ...records,
  ]
  if (options.repair) repair(store, [...lost.keys()], records)
  return { findings, blobs: graph.blobs.size, bytes }
}

/** A blob that was collected while the check ran is no problem. */
async function problemOf(store: LocalStore, digest: Digest, size: number): Promise<string | undefined> {
  try {
    for await (const _ of streamVerified(blobPath(store.layout, digest), { digest, size }));
    return undefined
  } catch (error) {
    if (!(error instanceof ShaleError)) throw error
    const row = store.database.get('SELECT 1 FROM blobs WHERE digest = ?', digest)
    return row === undefined ? undefined : error.message
  }
}

function brokenImages(graph: ContentGraph, there: ReadonlySet<Digest>): readonly Finding[] {
  return graph.images.flatMap((id): readonly Finding[] => {
    const missing = [...reach(graph, { images: [id] }).blobs].filter(digest => !there.has(digest))
    return missing.length === 0 ? [] : [{ kind: 'image', id, problem: `image ${id} lacks ${missing.join(', ')}` }]
  })
}

function brokenRecords(store: LocalStore, graph: ContentGraph, there: ReadonlySet<Digest>): readonly Finding[] {
  const trees = new Set(graph.trees.filter(tree => tree.state === 'ready').map(tree => tree.key))
  return store.cache.list().flatMap((record): readonly Finding[] => {
    const missing = missingFor(record, graph, there, trees)
    if (missing === undefined) return []
    return [{ kind: 'record', id: record.key, problem: `cache record "${record.title}" lacks ${missing}` }]
  })
}

function missingFor(
  record: CacheRecord,
  graph: ContentGraph,
  there: ReadonlySet<Digest>,
  trees: ReadonlySet<string>,
): string | undefined {
  if (record.inputToc !== undefined && !there.has(record.inputToc)) return `the list of its inputs ${record.inputToc}`
  const layer = record.layerId === undefined ? undefined : graph.layers.get(record.layerId)
  if (layer === undefined) return undefined
  if (!there.has(layer.tocDigest)) return `its layer's table of contents ${layer.tocDigest}`
  const unpacked = [...trees].some(key => key.startsWith(layer.tocDigest))
  if (unpacked || layer.blobs.length === 0 || layer.blobs.some(blob => there.has(blob))) return undefined
  return `its layer's content ${layer.blobs.join(', ')}`
}

function repair(store: LocalStore, lost: readonly Digest[], records: readonly Finding[]): void {
  store.database.write(() => {
    for (const digest of lost) {
      moveToTrash(store.layout, blobPath(store.layout, digest))
      store.database.run('DELETE FROM blobs WHERE digest = ?', digest)
    }
    store.cache.remove(records.map(record => record.id))
  })
}
