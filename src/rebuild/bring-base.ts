import type { PullImage } from '../build/base-image.ts'
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import type { Store } from '../store/types.ts'
import { ingestImage } from '../transfer/ingest.ts'
import { storeContent } from '../transfer/store-content.ts'

/** Brings images from a registry into a store. */
export type PullInto = (store: Store, name: string, platform: Platform) => Promise<void>

/**
 * Brings the images of a recipe into another store, each as it was: from `store` when it still has it, else by its digest
 * from its registry. A name that the recipe has not is looked up as in any build.
 */
export function bringFrom(
  store: Store,
  into: Store,
  images: Readonly<Record<string, Digest>>,
  { pull, signal }: { readonly pull: PullInto; readonly signal?: AbortSignal | undefined },
): PullImage {
  return async (name, platform) => {
    const reference = parseReference(name)
    const whole = formatReference(reference)
    const digest = images[whole] ?? reference.digest ?? store.images.getTag(whole)?.digest
    if (digest === undefined) return await pull(into, name, platform)
    if (store.images.get(digest) !== undefined) await copyImage(store, into, digest, platform, signal)
    else {
      const { tag: _, ...repository } = reference
      await pull(into, formatReference({ ...repository, digest }), platform)
    }
    if (reference.digest === undefined) into.images.tag(whole, digest, 'pull')
  }
}

async function copyImage(
  store: Store,
  into: Store,
  digest: Digest,
  platform: Platform,
  signal: AbortSignal | undefined,
): Promise<void> {
  const image = await store.images.open(digest, platform)
  const index = await store.images.openIndex(digest)
  const lease = into.lease('bring a base image')
  try {
    await ingestImage(into, lease, storeContent(store), image.rawManifest, image.mediaType, { signal })
    if (index === undefined) return
    await into.images.add(lease, await store.blobs.read(digest), store.images.get(digest)?.mediaType ?? '')
  } finally {
    lease.end()
  }
}
