import { createZstdDecompress } from 'node:zlib'
import { sha256 } from '../oci/digest.ts'
import { TOC_ANNOTATION } from './pack.ts'
import type { Toc } from './toc.ts'
import { decodeToc } from './toc-codec.ts'
import { TOC_LIMITS } from './toc-format.ts'

/** Larger ones are not worth an explanation. Bytes, as they are in the blob. */
const MAX_DISPLAYED = 64 * 1024 * 1024

/**
 * The table of contents that a packed blob brings along, without the blob's other bytes: `open` gives them from an
 * offset on. Verified to be what the annotation says, but not to be what the blob holds: for display only. Undefined
 * when there is none, or it is too large.
 */
export async function displayedToc(
  annotations: Readonly<Record<string, string>> | undefined,
  open: (from: number) => AsyncIterable<Uint8Array>,
): Promise<Toc | undefined> {
  const [, offset, size, digest] =
    /^(\d{1,15}):(\d{1,9}):(sha256:[0-9a-f]{64})$/.exec(annotations?.[TOC_ANNOTATION] ?? '') ?? []
  const length = Number(size)
  if (offset === undefined || length < 8 || length > MAX_DISPLAYED) return undefined
  const frame = await take(open(Number(offset)), length)
  if (frame === undefined || sha256(frame) !== digest) return undefined
  // The frame's header says only that decoders pass over it.
  return decodeToc(await inflated(frame.subarray(8)))
}

async function take(bytes: AsyncIterable<Uint8Array>, length: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  let got = 0
  for await (const chunk of bytes) {
    chunks.push(chunk)
    got += chunk.byteLength
    if (got >= length) return Buffer.concat(chunks).subarray(0, length)
  }
  return undefined
}

async function inflated(compressed: Buffer): Promise<Buffer> {
  const stream = createZstdDecompress({ maxOutputLength: TOC_LIMITS.bytes })
  stream.end(compressed)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    size += (chunk as Buffer).byteLength
    if (size > TOC_LIMITS.bytes) throw new RangeError('the table of contents is too large')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}
