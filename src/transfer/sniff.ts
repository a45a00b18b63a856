import { ShaleError } from '../error.ts'
import { sniffCompression as sniffSupported } from '../layer/compression.ts'
import type { Compression } from '../oci/media-types.ts'

/** What a file's first bytes say that it is compressed with. Throws `UNSUPPORTED_COMPRESSION` for xz and bzip2. */
function sniffCompression(head: Uint8Array, what: string): Compression {
  const found = sniffSupported(head)
  const other =
    found !== 'none' ? undefined : startsWith(head, XZ) ? 'xz' : startsWith(head, BZIP2) ? 'bzip2' : undefined
  if (other === undefined) return found
  throw new ShaleError('UNSUPPORTED_COMPRESSION', `${what} is compressed with ${other}`, {
    hint: `unpack it first: ${other} -d`,
  })
}

const XZ = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]
const BZIP2 = [0x42, 0x5a, 0x68]

function startsWith(head: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => head[index] === byte)
}

/** A stream whose first bytes have been looked at, whole. */
export interface Sniffed {
  readonly compression: Compression
  /** True when there is not one byte. */
  readonly empty: boolean
  readonly stream: AsyncGenerator<Uint8Array>
}

/** Finds out what a stream is compressed with. The stream that is given back must be read; on errors the source is let go. */
export async function sniffStream(source: AsyncIterable<Uint8Array>, what: string): Promise<Sniffed> {
  const iterator = source[Symbol.asyncIterator]()
  try {
    const chunks = await firstChunks(iterator)
    const head = Buffer.concat(chunks)
    const compression = sniffCompression(head, what)
    return { compression, empty: head.byteLength === 0, stream: rejoin(chunks, iterator) }
  } catch (error) {
    await iterator.return?.()
    throw error
  }
}

/** As `sniffStream`, for a source of which no more is wanted. */
export async function sniffSource(source: AsyncIterable<Uint8Array>, what: string): Promise<Compression> {
  const iterator = source[Symbol.asyncIterator]()
  try {
    return sniffCompression(Buffer.concat(await firstChunks(iterator)), what)
  } finally {
    await iterator.return?.()
  }
}

const ENOUGH = 6

async function firstChunks(iterator: AsyncIterator<Uint8Array>): Promise<readonly Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for (let size = 0; size < ENOUGH; size += chunks.at(-1)?.byteLength ?? 0) {
    const next = await iterator.next()
    if (next.done) break
    chunks.push(next.value)
  }
  return chunks
}

async function* rejoin(chunks: readonly Uint8Array[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}
