import type { Digest } from '../oci/digest.ts'
import { checkAnnotations } from './check-annotations.ts'
import { checkBlobs, checkFiles } from './check-blobs.ts'
import { checkDatabase } from './check-database.ts'
import type { Finding } from './check-finding.ts'
import { checkKeys } from './check-keys.ts'
import { checkManifests } from './check-manifests.ts'
import { checkReferences } from './check-references.ts'
import { checkRows } from './check-rows.ts'
import { checkTables, forgetLayer } from './check-tables.ts'
import { checkTrees } from './check-trees.ts'
import { brokenImages, brokenRecords, brokenRepositories } from './check-whole.ts'
import type { LocalStore } from './open.ts'
import { type ContentGraph, loadGraph } from './reach.ts'

export type { Finding } from './check-finding.ts'

/** How far a check is: bytes of blobs and trees read so far. */
export interface CheckProgress {
  readonly bytes: number
  /** What is being looked at: `blobs`, `trees`. */
  readonly what: 'blobs' | 'trees'
}

export interface CheckOptions {
  /**
   * Mends what can be mended from what is whole: tables of contents from layers, trees and records by forgetting them.
   * Damaged blobs are forgotten, so that they are fetched or made again. Images stay: pulling or building them again
   * completes them.
   */
  readonly repair?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined
}

export interface CheckResult {
  readonly findings: readonly Finding[]
  /** What `findings` would still be there after this check: all of them without `repair`. */
  readonly left: readonly Finding[]
  readonly blobs: number
  readonly trees: number
  /** Bytes of blobs and trees that were read and found whole. */
  readonly bytes: number
}

/**
 * Reads every blob and tree, and looks whether layers, images, tags, repositories and cache records have all that they need. Other
 * processes may use the store meanwhile.
 */
export async function checkStore(store: LocalStore, options: CheckOptions = {}): Promise<CheckResult> {
  const { repair = false, signal, onProgress } = options
  const database = checkDatabase(store)
  const rows = [...checkKeys(store, repair), ...checkRows(store, repair)]
  const files = await checkFiles(store, repair)
  const blobs = await checkBlobs(store, { repair, signal, onProgress: bytes => onProgress?.({ bytes, what: 'blobs' }) })
  const tables = await checkTables(store, blobs.lost, repair)
  const references = await checkReferences(store, blobs.lost, repair)
  const manifests = [...(await checkManifests(store, blobs.lost, repair)), ...(await checkAnnotations(store, repair))]
  const trees = await checkTrees(store, {
    repair,
    signal,
    onProgress: bytes => onProgress?.({ bytes: blobs.bytes + bytes, what: 'trees' }),
  })
  const graph = loadGraph(store.database)
  const whole = presentBlobs(graph, blobs.lost, repair)
  const images = brokenImages(store, graph, whole)
  const repositories = brokenRepositories(store, whole)
  const records = brokenRecords(store, graph, whole, trees.lost)
  if (repair) {
    store.cache.remove(records.map(({ id }) => id as Digest))
    for (const id of tables.lost) forgetLayer(store, id)
  }
  const findings = [
    ...database,
    ...rows,
    ...files,
    ...blobs.findings,
    ...tables.findings,
    ...references,
    ...manifests,
    ...trees.findings,
    ...images,
    ...repositories,
    ...records,
  ]
  const left = repair ? findings.filter(finding => !finding.mends) : findings
  return { findings, left, blobs: graph.blobs.size, trees: trees.count, bytes: blobs.bytes + trees.bytes }
}

/** Blobs that can be read; after a repair the database has only those, among them some that were made anew. */
function presentBlobs(graph: ContentGraph, lost: ReadonlySet<Digest>, repaired: boolean): ReadonlySet<Digest> {
  return new Set([...graph.blobs.keys()].filter(digest => repaired || !lost.has(digest)))
}
