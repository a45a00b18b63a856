import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { isErrno, ShaleError } from '../error.ts'
import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts'
import type { BlobInfo } from './types.ts'

const CHUNK_BYTES = 256 * 1024

/** Reads a blob's file whole. Throws `BLOB_MISSING`, `BLOB_DAMAGED`, `DOCUMENT_TOO_LARGE`. */
export async function readVerified(path: string, info: BlobInfo, limit: number): Promise<Buffer> {
  if (info.size > limit) {
    throw new ShaleError('DOCUMENT_TOO_LARGE', `blob ${info.digest} has ${info.size} bytes, more than ${limit}`)
  }
  const bytes = Buffer.allocUnsafe(info.size)
  let length = 0
  for await (const chunk of streamVerified(path, info)) {
    bytes.set(chunk, length)
    length += chunk.byteLength
  }
  return bytes
}

/**
 * Streams a blob's file and checks it on the way: nothing beyond its size is given out, and the last bytes only when
 * size and digest are right, so that nobody who reads takes a damaged blob for a whole one. Throws `BLOB_MISSING` at the
 * start, `BLOB_DAMAGED` at the end.
 */
export async function* streamVerified(path: string, info: BlobInfo): AsyncGenerator<Uint8Array> {
  const file = await openBlob(path, info)
  try {
    const hash = createHash(digestAlgorithm(info.digest))
    let left = info.size
    let held: Uint8Array | undefined
    for (;;) {
      // One byte more than is left, so that trailing bytes show.
      const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, left + 1))
      const { bytesRead } = await file.read(buffer, 0, buffer.length)
      if (bytesRead === 0) break
      left -= bytesRead
      if (left < 0) throw damaged(path, info, `it has more than its ${info.size} bytes`)
      const chunk = buffer.subarray(0, bytesRead)
      hash.update(chunk)
      if (held !== undefined) yield held
      held = chunk
    }
    if (left > 0) throw damaged(path, info, `${left} of its ${info.size} bytes are missing`)
    const hex = hash.digest('hex')
    if (hex !== digestHex(info.digest)) throw damaged(path, info, `its content has digest ${hex}`)
    if (held !== undefined) yield held
  } finally {
    await file.close()
  }
}

/** The size of a file whose content has the digest; undefined for any other, and for none. */
export async function sizeOfWhole(path: string, digest: Digest): Promise<number | undefined> {
  const size = statSync(path, { throwIfNoEntry: false })?.size
  if (size === undefined) return undefined
  try {
    for await (const _ of streamVerified(path, { digest, size }));
    return size
  } catch (error) {
    if (error instanceof ShaleError) return undefined
    throw error
  }
}

async function openBlob(path: string, info: BlobInfo): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT')) throw cause
    throw new ShaleError('BLOB_MISSING', `the store has lost the blob ${info.digest}`, { cause, hint: REPAIR })
  }
}

const REPAIR = 'pull or build the image again to get it back'

function damaged(path: string, info: BlobInfo, why: string): ShaleError {
  return new ShaleError('BLOB_DAMAGED', `blob ${info.digest} is damaged: ${why} (${path})`, { hint: REPAIR })
}
