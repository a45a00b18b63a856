import { createHash } from 'node:crypto'
import type { Digest } from '../oci/digest.ts'
import type { Compression } from '../oci/media-types.ts'
import { decompress } from './compression.ts'
import { DEFAULT_LEVEL, frameCodec } from './frame-codec.ts'

export interface RecompressOptions {
  /** What the bytes are compressed with now. */
  readonly from: Compression
  readonly to: Compression
  readonly level?: number | undefined
  /** Gets the new blob's bytes in order; its promise is waited for. */
  readonly sink: (chunk: Uint8Array) => void | Promise<void>
  readonly signal?: AbortSignal | undefined
}

export interface Recompressed {
  /** Of the plain bytes. */
  readonly diffId: Digest
  /** What decides the blob's bytes besides the plain ones. */
  readonly packer: string
}

/** Plain bytes that are compressed at once; more of them would be more memory and no faster. */
const PIECE = 1024 * 1024
/** Twice libuv's threads, so that none waits while pieces are written. */
const WIDTH = 8
const RECOMPRESSOR_VERSION = 1

export function recompressorName(to: Compression, level: number = DEFAULT_LEVEL[to]): string {
  return `recompressed/${RECOMPRESSOR_VERSION} ${to}/${level}`
}

/**
 * Compresses a layer's blob anew, pieces of it at the same time. Equal plain bytes give equal blobs. Throws
 * `LAYER_DAMAGED`, `LAYER_TOO_LARGE` and what source and sink throw.
 */
export async function recompress(
  blob: AsyncIterable<Uint8Array>,
  { from, to, level = DEFAULT_LEVEL[to], sink, signal }: RecompressOptions,
): Promise<Recompressed> {
  const codec = frameCodec(to, level)
  const plain = createHash('sha256')
  const pending: Promise<Uint8Array>[] = []
  const writeOldest = async () => {
    const oldest = pending.shift()
    if (oldest !== undefined) await sink(await oldest)
  }
  if (codec.head.length > 0) await sink(codec.head)
  for await (const piece of pieces(decompress(blob, from))) {
    signal?.throwIfAborted()
    plain.update(piece)
    codec.observe(piece)
    const done = codec.compress(piece)
    // Thrown where it is waited for; until then it must not count as unhandled.
    done.catch(() => {})
    pending.push(done)
    if (pending.length >= WIDTH) await writeOldest()
  }
  while (pending.length > 0) await writeOldest()
  const tail = codec.tail()
  if (tail.length > 0) await sink(tail)
  return { diffId: `sha256:${plain.digest('hex')}`, packer: recompressorName(to, level) }
}

/** The same bytes in buffers of their own, all but the last of one size. */
async function* pieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafeSlow(PIECE)
  let used = 0
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.byteLength; ) {
      const taken = Math.min(chunk.byteLength - at, PIECE - used)
      piece.set(chunk.subarray(at, at + taken), used)
      used += taken
      at += taken
      if (used < PIECE) continue
      yield piece
      piece = Buffer.allocUnsafeSlow(PIECE)
      used = 0
    }
  }
  if (used > 0) yield piece.subarray(0, used)
}
