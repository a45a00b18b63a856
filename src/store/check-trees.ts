import { lstatSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { isErrno, ShaleError } from '../error.ts'
import type { Toc } from '../layer/toc.ts'
import { decodeToc } from '../layer/toc-codec.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import type { ReadOptions } from './check-blobs.ts'
import type { Finding } from './check-finding.ts'
import { compareTree } from './compare-tree.ts'
import { treePath } from './layout.ts'
import type { LocalStore } from './open.ts'

export interface TreeCheck {
  readonly findings: readonly Finding[]
  /** Numbers of the trees that are not what their table says. */
  readonly lost: ReadonlySet<number>
  readonly count: number
  /** Bytes of files that were read. */
  readonly bytes: number
}

interface TreeRow {
  readonly id: number
  readonly key: string
}

/** Compares every finished tree with its layer's table of contents. A repair dooms those that differ. */
export async function checkTrees(store: LocalStore, options: ReadOptions): Promise<TreeCheck> {
  const findings: Finding[] = []
  const lost = new Set<number>()
  let bytes = 0
  const rows = store.database.all<TreeRow>("SELECT id, key FROM trees WHERE state = 'ready' ORDER BY id")
  for (const row of rows) {
    const why = await problemOf(store, row, async read => {
      options.signal?.throwIfAborted()
      bytes += read
      options.onProgress(bytes)
      await setImmediate()
    })
    if (why === undefined || !isReady(store, row.id)) continue
    lost.add(row.id)
    const path = treePath(store.layout, row.id)
    const remedy = 'removed; it is unpacked again when a process needs it'
    findings.push({
      kind: 'tree',
      id: path,
      problem: `the unpacked layer ${path} is damaged: ${why}`,
      remedy,
      mends: true,
    })
    if (options.repair) doom(store, row.id)
  }
  return { findings, lost, count: rows.length, bytes }
}

async function problemOf(
  store: LocalStore,
  { id, key }: TreeRow,
  onRead: (bytes: number) => Promise<void>,
): Promise<string | undefined> {
  const path = treePath(store.layout, id)
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return 'its folder is missing'
  const toc = await tableOf(store, key)
  if (toc === undefined) return 'the table of contents that says what it should hold is lost'
  try {
    return await compareTree(path, toc, onRead)
  } catch (error) {
    // Removed while we looked, or files of a container's users, which only the helper process may read.
    if (isErrno(error, 'ENOENT', 'EACCES', 'EPERM')) return undefined
    throw error
  }
}

/** A tree's key begins with its table's digest. */
async function tableOf(store: LocalStore, key: string): Promise<Toc | undefined> {
  const digest = key.split(':', 2).join(':')
  if (!isDigest(digest)) return undefined
  try {
    const chunks: Uint8Array[] = []
    for await (const chunk of store.blobs.stream(digest as Digest)) chunks.push(chunk)
    return decodeToc(Buffer.concat(chunks))
  } catch (error) {
    if (error instanceof ShaleError) return undefined
    throw error
  }
}

function isReady(store: LocalStore, id: number): boolean {
  return store.database.get("SELECT 1 FROM trees WHERE id = ? AND state = 'ready'", id) !== undefined
}

function doom(store: LocalStore, id: number): void {
  store.database.write(() => store.database.run("UPDATE trees SET state = 'doomed' WHERE id = ?", id))
}
