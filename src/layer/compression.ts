import { createGunzip, createZstdDecompress } from 'node:zlib'
import { ShaleError } from '../error.ts'
import type { Compression } from '../oci/media-types.ts'
import { maxLayerSize, unpacksToTooMuch } from './size-limit.ts'

const OUTPUT_CHUNK = 256 * 1024

/** The compression that a stream's first bytes (four are enough) announce; whatever else is taken as plain. */
export function sniffCompression(first: Uint8Array): Compression {
  if (first[0] === 0x1f && first[1] === 0x8b) return 'gzip'
  const zstd = first[0] === 0x28 && first[1] === 0xb5 && first[2] === 0x2f && first[3] === 0xfd
  const skippable = ((first[0] ?? 0) & 0xf0) === 0x50 && first[1] === 0x2a && first[2] === 0x4d && first[3] === 0x18
  return zstd || skippable ? 'zstd' : 'none'
}

/**
 * The plain bytes of a stream: gzip of several members, zstd of several frames, skippable ones included. The source is
 * read to its end. Throws `LAYER_DAMAGED` for what does not decompress, `LAYER_TOO_LARGE` for what unpacks to more than
 * `limit` bytes, and what the source throws.
 */
export function decompress(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  limit: number = maxLayerSize(),
): AsyncIterable<Uint8Array> {
  if (compression === 'none') return source
  return inflate(source, compression, limit)
}

async function* inflate(
  source: AsyncIterable<Uint8Array>,
  compression: 'gzip' | 'zstd',
  limit: number,
): AsyncGenerator<Uint8Array> {
  const stream =
    compression === 'gzip'
      ? createGunzip({ chunkSize: OUTPUT_CHUNK })
      : createZstdDecompress({ chunkSize: OUTPUT_CHUNK })
  let sourceError: unknown
  const fed = feed(source, stream).catch((error: unknown) => {
    sourceError = error
    stream.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  try {
    let size = 0
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.byteLength
      if (size > limit) throw unpacksToTooMuch(limit)
      yield chunk
    }
    await fed
  } catch (cause) {
    if (sourceError !== undefined) throw sourceError
    if (cause instanceof ShaleError) throw cause
    throw new ShaleError('LAYER_DAMAGED', `the layer is no valid ${compression}: ${(cause as Error).message}`, {
      cause,
    })
  } finally {
    stream.destroy()
  }
  if (sourceError !== undefined) throw sourceError
}

type Inflater = ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>

async function feed(source: AsyncIterable<Uint8Array>, stream: Inflater): Promise<void> {
  for await (const chunk of source) {
    if (stream.destroyed) return
    if (!stream.write(chunk)) await drained(stream)
  }
  stream.end()
}

function drained(stream: Inflater): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      stream.off('drain', done).off('close', done).off('end', done)
      resolve()
    }
    stream.on('drain', done).on('close', done).on('end', done)
  })
}
