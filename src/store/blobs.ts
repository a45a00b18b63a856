import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { dirname, isAbsolute, relative } from 'node:path'
import { isErrno, ShaleError, writing } from '../error.ts'
import { type Digest, parseDigest, sha256 } from '../oci/digest.ts'
import { MAX_DOCUMENT_BYTES } from '../oci/document-limit.ts'
import { readVerified, sizeOfWhole, streamVerified } from './blob-read.ts'
import { FileBlobWriter, syncFile } from './blob-writer.ts'
import type { Database } from './database.ts'
import { blobPath, type Layout } from './layout.ts'
import type { Leases } from './leases.ts'
import { moveToTrash, tempPath } from './temp.ts'
import type { BlobInfo, BlobStore, BlobWriter, Lease } from './types.ts'

export interface BlobContext {
  readonly layout: Layout
  readonly database: Database
  readonly leases: Leases
  /** Sync the folder too before a write is acknowledged. */
  readonly durable: boolean
}

/** What the store's other parts need beyond the contract. */
export interface FileBlobs extends BlobStore {
  /** Like `read`, of at most `limit` bytes. */
  readUpTo(digest: Digest, limit: number): Promise<Buffer>
  /** Protects a blob that the store has; false when it is not there. Inside a write transaction. */
  keep(lease: Lease, digest: Digest): boolean
  /** As `keep`, in a transaction of its own; gives the size in bytes. */
  kept(lease: Lease, digest: Digest): number | undefined
  /** As `writer`, through this file, which is not there yet. */
  writerAt(lease: Lease, path: string): FileBlobWriter
  /** As `adopt`, kept by what `root` writes in the same transaction instead of by a lease. */
  adoptAs(path: string, info: BlobInfo, root: () => void): Promise<BlobInfo>
}

export function createBlobs(context: BlobContext): FileBlobs {
  return new DirectoryBlobs(context)
}

/**
 * A blob is in the store when it has a row and a file of the row's size. Its file gets its name inside the write
 * transaction that adds row and hold, so that a collection, which is a write transaction too, sees all or nothing.
 */
class DirectoryBlobs implements FileBlobs {
  readonly #context: BlobContext

  constructor(context: BlobContext) {
    this.#context = context
  }

  path(digest: Digest): string {
    return blobPath(this.#context.layout, parseDigest(digest))
  }

  size(digest: Digest): number | undefined {
    const row = this.#context.database.get<{ size: number }>('SELECT size FROM blobs WHERE digest = ?', digest)
    if (row === undefined) return undefined
    const stat = statSync(this.path(digest), { throwIfNoEntry: false })
    return stat?.isFile() && stat.size === row.size ? row.size : undefined
  }

  keep(lease: Lease, digest: Digest): boolean {
    if (this.size(digest) === undefined) return false
    this.#context.leases.hold(lease, 'blob', digest)
    return true
  }

  async put(lease: Lease, bytes: Uint8Array): Promise<BlobInfo> {
    const info: BlobInfo = { digest: sha256(bytes), size: bytes.byteLength }
    if (this.#context.database.write(() => this.keep(lease, info.digest))) return info
    const path = tempPath(this.#context.layout)
    try {
      writing(path, () => writeFileSync(path, bytes, { mode: 0o600, flag: 'wx' }))
      await syncFile(path)
      return await this.#publish(path, info, this.#holding(lease, info.digest))
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
  }

  kept(lease: Lease, digest: Digest): number | undefined {
    return this.#context.database.write(() => (this.keep(lease, digest) ? this.size(digest) : undefined))
  }

  writer(lease: Lease): BlobWriter {
    return this.writerAt(lease, tempPath(this.#context.layout))
  }

  writerAt(lease: Lease, path: string): FileBlobWriter {
    return new FileBlobWriter(path, (path, info) => this.#publish(path, info, this.#holding(lease, info.digest)))
  }

  adopt(lease: Lease, path: string, info: BlobInfo): Promise<BlobInfo> {
    return this.adoptAs(path, info, this.#holding(lease, info.digest))
  }

  async adoptAs(path: string, info: BlobInfo, root: () => void): Promise<BlobInfo> {
    const inside = relative(this.#context.layout.temp, path)
    if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
      throw new ShaleError('NOT_A_TEMPORARY_FILE', `cannot adopt ${path}: it is not in ${this.#context.layout.temp}`)
    }
    parseDigest(info.digest)
    const { size } = statSync(path)
    if (size !== info.size) {
      throw new ShaleError('BLOB_SIZE_MISMATCH', `${path} has ${size} bytes and should have ${info.size}`)
    }
    await syncFile(path)
    return await this.#publish(path, info, root)
  }

  read(digest: Digest): Promise<Buffer> {
    return this.readUpTo(digest, MAX_DOCUMENT_BYTES)
  }

  readUpTo(digest: Digest, limit: number): Promise<Buffer> {
    return this.#setAsideWhenDamaged(digest, () => readVerified(this.path(digest), this.#known(digest), limit))
  }

  async *stream(digest: Digest): AsyncGenerator<Uint8Array> {
    const chunks = streamVerified(this.path(digest), this.#known(digest))
    try {
      yield* chunks
    } catch (error) {
      await this.#setAside(digest, error)
      throw error
    }
  }

  #known(digest: Digest): BlobInfo {
    const row = this.#context.database.get<{ size: number }>('SELECT size FROM blobs WHERE digest = ?', digest)
    if (row !== undefined) return { digest, size: row.size }
    throw new ShaleError('BLOB_MISSING', `the store does not have the blob ${digest}`, {
      hint: '`shale system check --repair` brings back what it can, and says what is lost',
    })
  }

  #holding(lease: Lease, digest: Digest): () => void {
    return () => this.#context.leases.hold(lease, 'blob', digest)
  }

  async #publish(path: string, info: BlobInfo, root: () => void): Promise<BlobInfo> {
    const { database, layout, durable } = this.#context
    const target = blobPath(layout, info.digest)
    let renamed = false
    try {
      database.write(() => {
        root()
        if (this.size(info.digest) !== undefined) return
        database.run(
          'INSERT INTO blobs (digest, size, added_at) VALUES (?1, ?2, ?3) ON CONFLICT (digest) DO UPDATE SET size = ?2',
          info.digest,
          info.size,
          Date.now(),
        )
        renameSync(path, target)
        renamed = true
      })
    } catch (error) {
      if (renamed) this.#withdraw(info.digest)
      throw error
    }
    if (!renamed) await rm(path, { force: true })
    // Also for a file that was there: who wrote it may not have waited for the disk.
    if (durable) await syncFolder(dirname(target))
    return info
  }

  /** Removes a file that got its name, but not its row: a full disk fails a transaction at its very end. */
  #withdraw(digest: Digest): void {
    const { database } = this.#context
    try {
      // Within a transaction, for another process may have written the same blob meanwhile. It writes nothing itself.
      database.write(() => {
        const row = database.get('SELECT 1 FROM blobs WHERE digest = ?', digest)
        if (row === undefined) rmSync(this.path(digest), { force: true })
      })
    } catch {
      // Then a collection finds the file, and what failed the transaction is the news.
    }
  }

  async #setAsideWhenDamaged<T>(digest: Digest, read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      await this.#setAside(digest, error)
      throw error
    }
  }

  /**
   * A blob proved damaged loses its name, so that the store lacks it and the next write brings it back. When it is the
   * row that tells another size, that is corrected.
   */
  async #setAside(digest: Digest, error: unknown): Promise<void> {
    if (!(error instanceof ShaleError) || error.code !== 'BLOB_DAMAGED') return
    const { database, layout } = this.#context
    try {
      const size = await sizeOfWhole(this.path(digest), digest)
      database.write(() => {
        if (size !== undefined) return database.run('UPDATE blobs SET size = ? WHERE digest = ?', size, digest)
        moveToTrash(layout, this.path(digest))
        return database.run('DELETE FROM blobs WHERE digest = ?', digest)
      })
    } catch (failure) {
      // Of a store that we may only read, the damage itself is the news.
      if (!isErrno(failure)) throw failure
    }
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
