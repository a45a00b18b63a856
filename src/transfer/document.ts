import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { type ManifestDocument, parseManifest } from '../oci/manifest.ts'

/** A manifest or index: its bytes as they came, what points at them, and what they say. */
export interface ImageDocument {
  readonly descriptor: Descriptor
  readonly raw: Buffer
  readonly parsed: ManifestDocument
}

/** Reads bytes that have the digest already, as the caller has verified. Throws what `parseManifest` throws. */
export function imageDocument(raw: Buffer, digest: Digest, mediaType?: string): ImageDocument {
  const parsed = parseManifest(raw, mediaType)
  return { descriptor: { mediaType: parsed.mediaType, digest, size: raw.byteLength }, raw, parsed }
}
