import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ShaleError } from '../error.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { sizeOfWhole, streamVerified } from './blob-read.ts'
import type { Finding } from './check-finding.ts'
import { BLOB_FOLDERS, blobPath, treePath } from './layout.ts'
import type { LocalStore } from './open.ts'
import { moveToTrash } from './temp.ts'

export interface ReadOptions {
  readonly repair: boolean
  readonly signal: AbortSignal | undefined
  /** Bytes read so far. */
  readonly onProgress: (bytes: number) => void
}

export interface BlobCheck {
  readonly findings: readonly Finding[]
  readonly lost: ReadonlySet<Digest>
  readonly bytes: number
}

/** Reads every blob that the database knows. A repair forgets those that are not whole. */
export async function checkBlobs(store: LocalStore, options: ReadOptions): Promise<BlobCheck> {
  const findings: Finding[] = []
  const lost = new Set<Digest>()
  let bytes = 0
  const rows = store.database.all<{ digest: Digest; size: number }>('SELECT digest, size FROM blobs ORDER BY digest')
  for (const { digest, size } of rows) {
    options.signal?.throwIfAborted()
    const problem = await problemOf(store, digest, size)
    if (problem === undefined) {
      bytes += size
      options.onProgress(bytes)
      continue
    }
    const whole = isDigest(digest) ? await sizeOfWhole(blobPath(store.layout, digest), digest) : undefined
    if (whole !== undefined) {
      const remedy = `the row is corrected to ${whole} bytes`
      findings.push({
        kind: 'blob',
        id: digest,
        problem: `the row of blob ${digest} says ${size} bytes`,
        remedy,
        mends: true,
      })
      if (options.repair) correctSize(store, digest, whole)
      continue
    }
    lost.add(digest)
    const remedy = 'forgotten, so that the next pull or build brings it back'
    findings.push({ kind: 'blob', id: digest, problem, remedy, mends: true })
    if (options.repair) forgetBlob(store, digest)
  }
  return { findings, lost, bytes }
}

/** A blob that was collected while the check ran is no problem. */
async function problemOf(store: LocalStore, digest: Digest, size: number): Promise<string | undefined> {
  const problem = await whyNotWhole(blobPath(store.layout, digest), digest, size)
  return problem === undefined || hasRow(store, digest) ? problem : undefined
}

async function whyNotWhole(path: string, digest: Digest, size: number): Promise<string | undefined> {
  try {
    for await (const _ of streamVerified(path, { digest, size }));
    return undefined
  } catch (error) {
    if (error instanceof ShaleError) return error.message
    throw error
  }
}

function correctSize(store: LocalStore, digest: Digest, size: number): void {
  store.database.write(() => store.database.run('UPDATE blobs SET size = ? WHERE digest = ?', size, digest))
}

function forgetBlob(store: LocalStore, digest: Digest): void {
  store.database.write(() => {
    if (isDigest(digest)) moveToTrash(store.layout, blobPath(store.layout, digest))
    store.database.run('DELETE FROM blobs WHERE digest = ?', digest)
  })
}

/**
 * Files and folders that the database does not know: left by a crash between rename and commit, or by a database from a
 * backup. A repair gives whole blobs their row and removes the rest.
 */
export async function checkFiles(store: LocalStore, repair: boolean): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const { path, digest } of unknownBlobs(store)) {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
    const whole = digest !== undefined && (await whyNotWhole(path, digest, size)) === undefined
    const remedy = whole ? 'known again; pruning removes it unless something needs it' : 'removed: it is no whole blob'
    findings.push({ kind: 'file', id: path, problem: `no row knows the file ${path}`, remedy, mends: true })
    if (repair) settleFile(store, path, whole ? { digest, size } : undefined)
  }
  return [...findings, ...unknownTrees(store, repair)]
}

interface UnknownFile {
  readonly path: string
  readonly digest: Digest | undefined
}

/** Inside a write transaction, because a file gets its name and its row in one. */
function unknownBlobs(store: LocalStore): readonly UnknownFile[] {
  return store.database.write(() =>
    BLOB_FOLDERS.flatMap(algorithm =>
      readdirSync(join(store.layout.blobs, algorithm)).flatMap((name): readonly UnknownFile[] => {
        const path = join(store.layout.blobs, algorithm, name)
        const text = `${algorithm}:${name}`
        if (!isDigest(text)) return [{ path, digest: undefined }]
        return hasRow(store, text) ? [] : [{ path, digest: text }]
      }),
    ),
  )
}

function settleFile(store: LocalStore, path: string, whole: { digest: Digest; size: number } | undefined): void {
  store.database.write(() => {
    if (whole === undefined) moveToTrash(store.layout, path)
    else {
      const { digest, size } = whole
      const sql = 'INSERT OR IGNORE INTO blobs (digest, size, added_at) VALUES (?, ?, ?)'
      store.database.run(sql, digest, size, Date.now())
    }
  })
}

function unknownTrees(store: LocalStore, repair: boolean): readonly Finding[] {
  return store.database.write(() => {
    const names = readdirSync(store.layout.trees).filter(name => /^[1-9]\d{0,14}$/.test(name))
    const known = new Set(store.database.all<{ id: number }>('SELECT id FROM trees').map(({ id }) => String(id)))
    return names
      .filter(name => !known.has(name))
      .map((name): Finding => {
        // Doomed, so that the next collection takes it like any other.
        const sql = "INSERT INTO trees (id, key, state, used_at) VALUES (?, '', 'doomed', 0)"
        if (repair) store.database.run(sql, Number(name))
        const path = treePath(store.layout, Number(name))
        const remedy = 'removed with the next prune'
        return { kind: 'file', id: path, problem: `no row knows the tree ${path}`, remedy, mends: true }
      })
  })
}

function hasRow(store: LocalStore, digest: Digest): boolean {
  return store.database.get('SELECT 1 FROM blobs WHERE digest = ?', digest) !== undefined
}
