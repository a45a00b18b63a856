import { writeFileSync } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { isErrno, writing } from '../../../error.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { LocalStore } from '../../../store/open.ts'
import { tempPath } from '../../../store/temp.ts'
import type { BlobStorage, BlobUploads, OpenBlob } from '../blob-storage.ts'
import { CHUNK_BYTES, giveChunk, takeChunk } from './chunk-memory.ts'
import { protect } from './protect.ts'

/** The store's own blobs. A fresh one is held by a row until a repository links it or the grace period is over. */
export function storeBlobs(store: LocalStore, uploads: BlobUploads): BlobStorage {
  return {
    uploads,
    size: async digest => store.blobs.size(digest),
    open: digest => openBlob(store, digest),
    document: (digest, limit) => store.blobs.readUpTo(digest, limit),
    put: (bytes, digest) => put(store, bytes, digest),
  }
}

async function openBlob(store: LocalStore, digest: Digest): Promise<OpenBlob | undefined> {
  const size = store.blobs.size(digest)
  if (size === undefined) return undefined
  try {
    return openFile(await open(store.blobs.path(digest), 'r'), size)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

function openFile(file: FileHandle, size: number): OpenBlob {
  let closed: Promise<void> | undefined
  return {
    size,
    read: (start, end) => readFileRange(file, start, end),
    close() {
      closed ??= file.close()
      return closed
    },
  }
}

/** Reads one chunk ahead, so that disk and network work at the same time. A chunk is only good until the next one. */
async function* readFileRange(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  let [current, other] = [takeChunk(), takeChunk()]
  const next = (into: Buffer, at: number) => {
    const length = Math.min(CHUNK_BYTES, end - at)
    return length > 0 ? file.read(into, 0, length, at) : undefined
  }
  let ahead = next(current, start)
  try {
    for (let at = start; ahead !== undefined; ) {
      const { bytesRead } = await ahead
      if (bytesRead === 0) throw new Error(`a blob's file ends at ${at} instead of ${end}`)
      at += bytesRead
      ahead = next(other, at)
      yield current.subarray(0, bytesRead)
      ;[current, other] = [other, current]
    }
  } finally {
    // The file must not be closed under a read.
    await ahead?.catch(() => {})
    giveChunk(current)
    giveChunk(other)
  }
}

async function put(store: LocalStore, bytes: Uint8Array, digest: Digest): Promise<void> {
  const path = tempPath(store.layout)
  try {
    writing(path, () => writeFileSync(path, bytes, { mode: 0o600, flag: 'wx' }))
    await store.blobs.adoptAs(path, { digest, size: bytes.byteLength }, () => protect(store.database, digest))
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
}
