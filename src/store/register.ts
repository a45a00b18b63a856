import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { MediaType } from '../oci/media-types.ts'
import type { Lease, Store } from './types.ts'

/**
 * Registers the manifest or index that is a blob of the store already. False when the blob is no such document, or
 * names what the store does not have.
 */
export async function registerDocument(store: Store, lease: Lease, digest: Digest): Promise<boolean> {
  try {
    const raw = await store.blobs.read(digest)
    await store.images.add(lease, raw, mediaTypeOf(raw))
    return true
  } catch (error) {
    if (error instanceof ShaleError && error.code !== 'DISK_FULL') return false
    throw error
  }
}

/** What a document says that it is; those of OCI need not say. Throws `INVALID_MANIFEST`. */
export function mediaTypeOf(raw: Buffer): string {
  const document = fieldsOf(raw)
  if (typeof document.mediaType === 'string') return document.mediaType
  return 'manifests' in document ? MediaType.ociIndex : MediaType.ociManifest
}

function fieldsOf(raw: Buffer): Readonly<Record<string, unknown>> {
  try {
    const document: unknown = JSON.parse(raw.toString('utf8'))
    if (typeof document === 'object' && document !== null) return document as Readonly<Record<string, unknown>>
  } catch {
    // Said below.
  }
  throw new ShaleError('INVALID_MANIFEST', 'this is no manifest')
}
