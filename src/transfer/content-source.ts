import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'

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
