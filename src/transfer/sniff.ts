import { ShaleError } from '../error.ts'
import { sniffCompression as sniffSupported } from '../layer/compression.ts'
import type { Compression } from '../oci/media-types.ts'

/** What a file's first bytes say that it is compressed with. Throws `UNSUPPORTED_COMPRESSION` for xz and bzip2. */
export function sniffCompression(head: Uint8Array, what: string): Compression {
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

/** The first bytes of a stream (at least 6, if it has so many), and the whole stream with them. */
export async function peek(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly head: Uint8Array; readonly stream: AsyncGenerator<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let size = 0
  while (size < 6) {
    const next = await iterator.next()
    if (next.done) break
    chunks.push(next.value)
    size += next.value.byteLength
  }
  const head = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
  return { head, stream: rejoin(chunks, iterator) }
}

async function* rejoin(chunks: readonly Uint8Array[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}
