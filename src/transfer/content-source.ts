import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'

/** Where an image's content comes from: a registry's repository, an archive, a folder. */
export interface ContentSource {
  /** For messages: `registry.example.com/app:1`, `app.tar`. */
  readonly name: string
  /** The bytes of a blob, in order; whoever reads them verifies size and digest. */
  stream(descriptor: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array>
}

/** Refuses a source that gives other than the bytes that the descriptor says; more, before they fill the disk. */
export async function* bounded(
  source: ContentSource,
  descriptor: Descriptor,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of source.stream(descriptor, signal)) {
    signal.throwIfAborted()
    size += chunk.byteLength
    if (size > descriptor.size) {
      throw new ShaleError(
        'BLOB_SIZE_MISMATCH',
        `${source.name}: ${descriptor.digest} has more than the ${descriptor.size} bytes that its descriptor says`,
      )
    }
    yield chunk
  }
  if (size < descriptor.size) {
    throw new ShaleError(
      'BLOB_SIZE_MISMATCH',
      `${source.name}: ${descriptor.digest} has ${size} of the ${descriptor.size} bytes that its descriptor says`,
    )
  }
}
