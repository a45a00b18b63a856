import type { Descriptor } from '../oci/descriptor.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { Lease, Store } from '../store/types.ts'
import type { ContentSource } from './content-source.ts'
import { receiveBlob } from './receive.ts'

/**
 * Brings the content of a manifest into the store that is no image but belongs to one (a signature, an attestation):
 * its blobs as they are.
 */
export async function ingestArtifact(
  store: Store,
  lease: Lease,
  source: ContentSource,
  manifest: Manifest,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  for (const blob of [manifest.config, ...manifest.layers]) {
    if (store.hold(lease, { kind: 'blob', digest: blob.digest })) continue
    await ingestBlob(store, lease, source, blob, signal)
  }
}

/** Stores a document that is in memory, verified against its descriptor. */
export async function ingestDocument(
  store: Store,
  lease: Lease,
  raw: Uint8Array,
  descriptor: Descriptor,
): Promise<void> {
  const writer = store.blobs.writer(lease)
  try {
    await writer.write(raw)
    await writer.commit(descriptor)
  } finally {
    await writer.abort()
  }
}

/** Stores a blob as it is, verified against its descriptor. */
export async function ingestBlob(
  store: Store,
  lease: Lease,
  source: ContentSource,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<void> {
  await receiveBlob({ store, lease, source, signal }, descriptor, async bytes => {
    for await (const _ of bytes) {
      // The store takes them on the way.
    }
  })
}
