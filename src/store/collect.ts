import { readdirSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../error.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { allocatedBytes } from './allocated.ts'
import type { Database } from './database.ts'
import { damagedRow } from './database-errors.ts'
import { checkLayerRows } from './layers.ts'
import { blobPath, cacheMountPath, treePath } from './layout.ts'
import { LEASE_EXPIRY_MS } from './leases.ts'
import { checkManifestRefs } from './manifest-rows.ts'
import type { LocalStore } from './open.ts'
import { type ContentGraph, loadGraph, type Reach, reach } from './reach.ts'
import { clearLeftovers, moveToTrash, type Trashed, takeBack } from './temp.ts'

/** A file without a row came from a crash between rename and commit, or from a database put back from a backup. */
const ORPHAN_GRACE_MS = 60 * 60 * 1000
/** A context folder that was not built from for that long is read anew. */
const STAT_INDEX_EXPIRY_MS = 30 * 24 * 60 * 60 * 1000

export interface CollectOptions {
  /** Milliseconds since 1970; the wall clock if absent. */
  readonly now?: number | undefined
  /** How old a file without a row must be. */
  readonly orphanGraceMs?: number | undefined
}

export interface Collected {
  readonly kind: 'blob' | 'layer' | 'tree' | 'manifest' | 'cache-mount'
  /** A digest, a layer's ID, a tree's or a cache mount's number. */
  readonly id: string
  /** Bytes freed on the disk; 0 for what is a row only. */
  readonly size: number
}

export interface CollectResult {
  readonly removed: readonly Collected[]
  /** Sum of their sizes. */
  readonly bytes: number
}

/**
 * Removes what no image, no cache record and no live lease refers to. Safe while other processes add and use things.
 *
 * One write transaction decides, deletes rows and moves blobs to the trash; writers take the same lock to give a blob
 * its name, so that neither sees the other half done. After a crash inside it the rows are back and some unreachable
 * blobs without their files, which counts as missing; after a crash behind it the trash is emptied by the next sweep.
 */
export async function collect(store: LocalStore, options: CollectOptions = {}): Promise<CollectResult> {
  const now = options.now ?? Date.now()
  const old = now - (options.orphanGraceMs ?? ORPHAN_GRACE_MS)
  const orphanBlobs = listOldBlobs(store, old)
  const orphanTrees = listOldFolders(store.layout.trees, old)
  const orphanCaches = listOldFolders(store.layout.caches, old)
  const removed = trashing(bin =>
    store.database.write(() => {
      checkRoots(store.database)
      const graph = loadGraph(store.database, now)
      const kept = reach(graph, graph)
      return [
        ...removeUnreachable(store, graph, kept, { now, bin }),
        ...removeOrphanBlobs(store, orphanBlobs, kept, bin),
        ...adoptOrphanTrees(store, orphanTrees),
        ...forgetCacheMounts(store.database, orphanCaches, now),
      ]
    }),
  )
  const swept = await sweep(store, now)
  const all = [...removed, ...swept]
  return { removed: all, bytes: all.reduce((sum, item) => sum + item.size, 0) }
}

/** What an action has moved to the trash; taken back when the action fails, as its transaction takes the rows back. */
function trashing<T>(action: (bin: Trashed[]) => T): T {
  const bin: Trashed[] = []
  try {
    return action(bin)
  } catch (error) {
    takeBack(bin)
    throw error
  }
}

/** What a damaged row had kept must not be taken for garbage. Throws `STORE_DAMAGED`. */
function checkRoots(database: Database): void {
  const lost = database.get<{ digest: string }>(
    `SELECT digest FROM tags WHERE digest NOT IN (SELECT digest FROM images)
     UNION SELECT digest FROM images WHERE digest NOT IN (SELECT digest FROM manifests)`,
  )
  if (lost !== undefined) throw damagedRow(`the row of image ${lost.digest}`)
  checkManifestRefs(database)
  checkLayerRows(database)
}

function removeUnreachable(
  store: LocalStore,
  graph: ContentGraph,
  kept: Reach,
  { now, bin }: { readonly now: number; readonly bin: Trashed[] },
): readonly Collected[] {
  const { database } = store
  database.run('DELETE FROM leases WHERE heartbeat < ?', now - LEASE_EXPIRY_MS)
  const removed: Collected[] = []
  for (const digest of graph.manifests.keys()) {
    if (kept.manifests.has(digest)) continue
    database.run('DELETE FROM manifests WHERE digest = ?', digest)
    removed.push({ kind: 'manifest', id: digest, size: 0 })
  }
  for (const id of graph.layers.keys()) {
    if (kept.layers.has(id)) continue
    database.run('DELETE FROM layers WHERE id = ?', id)
    removed.push({ kind: 'layer', id: String(id), size: 0 })
  }
  for (const tree of graph.trees) {
    if (!kept.trees.has(tree.id)) database.run("UPDATE trees SET state = 'doomed' WHERE id = ?", tree.id)
  }
  return [...removed, ...removeBlobs(store, graph.blobs.keys(), kept, bin)]
}

function removeBlobs(store: LocalStore, digests: Iterable<Digest>, kept: Reach, bin: Trashed[]): readonly Collected[] {
  const removed: Collected[] = []
  for (const digest of digests) {
    if (kept.blobs.has(digest)) continue
    // Its file may be another blob's.
    if (!isDigest(digest)) throw damagedRow(`the row of blob ${digest}`)
    store.database.run('DELETE FROM blobs WHERE digest = ?', digest)
    removed.push(trashBlob(store, digest, bin))
  }
  return removed
}

function trashBlob(store: LocalStore, digest: Digest, bin: Trashed[]): Collected {
  const path = blobPath(store.layout, digest)
  const size = allocatedBytes(path, new Set())
  const trashed = moveToTrash(store.layout, path)
  if (trashed !== undefined) bin.push(trashed)
  return { kind: 'blob', id: digest, size }
}

function listOldBlobs(store: LocalStore, old: number): readonly Digest[] {
  return ['sha256', 'sha512'].flatMap(algorithm => {
    const folder = join(store.layout.blobs, algorithm)
    return readdirSync(folder)
      .map(name => `${algorithm}:${name}`)
      .filter(isDigest)
      .filter(digest => !hasBlobRow(store, digest) && modifiedBefore(blobPath(store.layout, digest), old))
  })
}

/** One that something needs has lost its row, which a check gives back. */
function removeOrphanBlobs(
  store: LocalStore,
  digests: readonly Digest[],
  kept: Reach,
  bin: Trashed[],
): readonly Collected[] {
  const orphans = digests.filter(digest => !kept.blobs.has(digest) && !hasBlobRow(store, digest))
  return orphans.map(digest => trashBlob(store, digest, bin))
}

function hasBlobRow(store: LocalStore, digest: Digest): boolean {
  return store.database.get('SELECT 1 FROM blobs WHERE digest = ?', digest) !== undefined
}

function listOldFolders(folder: string, old: number): readonly number[] {
  return readdirSync(folder)
    .filter(name => /^[1-9]\d{0,14}$/.test(name) && modifiedBefore(join(folder, name), old))
    .map(Number)
}

/** Those that were never filled, and folders without a row, are removed by the sweep like any other. */
function forgetCacheMounts(database: Database, orphans: readonly number[], now: number): readonly Collected[] {
  database.run(
    `UPDATE cache_mounts SET state = 'doomed' WHERE state = 'filling' AND id NOT IN
       (SELECT u.cache FROM cache_mount_uses u JOIN leases l ON l.id = u.lease WHERE l.heartbeat >= ?)`,
    now - LEASE_EXPIRY_MS,
  )
  for (const id of orphans) {
    database.run(
      `INSERT OR IGNORE INTO cache_mounts (id, key, title, state, created_at, used_at, uses)
       VALUES (?, '', '', 'doomed', 0, 0, 0)`,
      id,
    )
  }
  return []
}

/** A folder without a row gets one, doomed, so that the sweep takes it like any other. */
function adoptOrphanTrees(store: LocalStore, ids: readonly number[]): readonly Collected[] {
  for (const id of ids) {
    store.database.run("INSERT OR IGNORE INTO trees (id, key, state, used_at) VALUES (?, '', 'doomed', 0)", id)
  }
  return []
}

function modifiedBefore(path: string, time: number): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && stat.mtimeMs < time
}

/** Empties the trash and removes doomed trees. Several sweeps at once do no harm. */
async function sweep(store: LocalStore, now: number): Promise<readonly Collected[]> {
  const { layout, database } = store
  for (const path of clearLeftovers(layout, database, now)) await store.removeTree(path)
  clearStatIndex(store, now)
  await Promise.all(readdirSync(layout.trash).map(name => removeTrash(store, join(layout.trash, name))))
  return [
    ...(await sweepFolders(store, 'tree', 'trees', id => treePath(layout, id))),
    ...(await sweepFolders(store, 'cache-mount', 'cache_mounts', id => cacheMountPath(layout, id))),
  ]
}

async function sweepFolders(
  { database, removeTree }: LocalStore,
  kind: Collected['kind'],
  table: 'trees' | 'cache_mounts',
  pathOf: (id: number) => string,
): Promise<readonly Collected[]> {
  const removed: Collected[] = []
  for (const { id } of database.all<{ id: number }>(`SELECT id FROM ${table} WHERE state = 'doomed'`)) {
    const path = pathOf(id)
    const size = allocatedBytes(path, new Set())
    await removeTree(path)
    database.write(() => database.run(`DELETE FROM ${table} WHERE id = ? AND state = 'doomed'`, id))
    removed.push({ kind, id: String(id), size })
  }
  return removed
}

async function removeTrash(store: LocalStore, path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error
    await store.removeTree(path)
  }
}

function clearStatIndex(store: LocalStore, now: number): void {
  for (const name of readdirSync(store.layout.statIndex)) {
    const path = join(store.layout.statIndex, name)
    if (modifiedBefore(path, now - STAT_INDEX_EXPIRY_MS)) moveToTrash(store.layout, path)
  }
}
