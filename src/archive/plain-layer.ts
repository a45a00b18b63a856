import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ShaleError, writing } from '../error.ts'
import { decompress } from '../layer/compression.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Store } from '../store/types.ts'
import { sniffStream } from '../transfer/sniff.ts'

/** A layer's plain tar, ready to be read. */
export interface PlainLayer {
  readonly size: number
  stream(): AsyncIterable<Uint8Array>
  /** Removes what was unpacked for it. */
  end(): Promise<void>
}

/**
 * The plain tar of a layer: the store's own if it has one, else unpacked into a temporary file, since its size must be
 * known before its first byte goes into an archive. Throws `LAYER_DIFF_ID_MISMATCH`, `BLOB_MISSING`, `BLOB_DAMAGED`.
 */
export async function plainLayer(store: Store, layer: Descriptor, diffId: Digest): Promise<PlainLayer> {
  const size = store.blobs.size(diffId)
  if (size !== undefined) return { size, stream: () => store.blobs.stream(diffId), end: async () => undefined }
  const path = join(store.tempDir, `save-${process.pid}-${randomUUID()}`)
  try {
    const unpacked = await unpack(store, layer, diffId, path)
    const stream = () => createReadStream(path, { highWaterMark: 256 * 1024 })
    return { size: unpacked, stream, end: () => rm(path, { force: true }) }
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
}

async function unpack(store: Store, layer: Descriptor, diffId: Digest, path: string): Promise<number> {
  const file = await open(path, 'wx', 0o600)
  const hash = createHash('sha256')
  let size = 0
  try {
    const { compression, stream } = await sniffStream(store.blobs.stream(layer.digest), `layer ${layer.digest}`)
    for await (const chunk of decompress(stream, compression)) {
      hash.update(chunk)
      size += chunk.byteLength
      await writing(path, () => file.writeFile(chunk))
    }
  } finally {
    await file.close()
  }
  const found = `sha256:${hash.digest('hex')}`
  if (found === diffId) return size
  throw new ShaleError('LAYER_DIFF_ID_MISMATCH', `layer ${layer.digest} unpacks to ${found} instead of ${diffId}`)
}
