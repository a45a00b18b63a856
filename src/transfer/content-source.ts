import { createHash } from 'node:crypto'
import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestAlgorithm, digestHex } from '../oci/digest.ts'

/** Where an image's content comes from: a registry's repository, an archive, a folder. */
export interface ContentSource {
  /** For messages: `registry.example.com/app:1`, `app.tar`. */
  readonly name: string
  /**
   * Where content comes from over a network, as in `registry.example.com/app`: then `stream` begins at any offset, and
   * what has arrived of a large blob is kept when the rest does not come.
   */
  readonly origin?: string | undefined
  /** The bytes of a blob from an offset on (0 if absent), in order; whoever reads them verifies size and digest. */
  stream(descriptor: Descriptor, signal: AbortSignal, from?: number): AsyncIterable<Uint8Array>
}

/** A blob's bytes as they come from the source; other than the descriptor says are refused: more, before they fill the disk. */
export async function* bounded(
  { name }: ContentSource,
  descriptor: Descriptor,
  signal: AbortSignal,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of bytes) {
    signal.throwIfAborted()
    size += chunk.byteLength
    if (size > descriptor.size) {
      throw new ShaleError(
        'BLOB_SIZE_MISMATCH',
        `${name}: ${descriptor.digest} has more than the ${descriptor.size} bytes that its descriptor says`,
      )
    }
    yield chunk
  }
  if (size < descriptor.size) {
    throw new ShaleError(
      'BLOB_SIZE_MISMATCH',
      `${name}: ${descriptor.digest} has ${size} of the ${descriptor.size} bytes that its descriptor says`,
    )
  }
}

/** The bytes from an offset on (0 if absent), of a source that can only be read from its beginning. */
export async function* skipping(bytes: AsyncIterable<Uint8Array>, from = 0): AsyncGenerator<Uint8Array> {
  let left = from
  for await (const chunk of bytes) {
    if (chunk.byteLength > left) yield left === 0 ? chunk : chunk.subarray(left)
    left = Math.max(0, left - chunk.byteLength)
  }
}

/** A blob's bytes as they come; throws at the end when they are others than the descriptor says. */
export async function* verified(
  source: ContentSource,
  descriptor: Descriptor,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const hash = createHash(digestAlgorithm(descriptor.digest))
  for await (const chunk of bounded(source, descriptor, signal, source.stream(descriptor, signal))) {
    hash.update(chunk)
    yield chunk
  }
  const found = hash.digest('hex')
  if (found === digestHex(descriptor.digest)) return
  throw new ShaleError(
    'BLOB_DIGEST_MISMATCH',
    `${source.name}: ${descriptor.digest} is not what its digest says: got ${found}`,
  )
}
