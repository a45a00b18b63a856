import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import type { Store } from '../store/types.ts'

/**
 * Why an image cannot be used, in words, or undefined when all of it is here. Of an index one whole image does, as when
 * it was pulled.
 */
export async function missingContent(store: Store, id: Digest): Promise<string | undefined> {
  const image = store.images.get(id)
  if (image === undefined) return 'its image was removed from the store (by rmi or prune)'
  try {
    const index = await store.images.openIndex(id)
    const manifests = index?.manifests ?? [{ digest: id, mediaType: image.mediaType }]
    const here = manifests.filter(({ digest }) => store.blobs.size(digest) !== undefined)
    if (here.length === 0) return 'none of its manifests is in the store'
    for (const { digest, mediaType } of here) {
      const lacking = await missingBlob(store, digest, mediaType)
      if (lacking !== undefined) return `its ${lacking} is not in the store`
    }
    return undefined
  } catch (error) {
    if (error instanceof ShaleError) return error.message
    throw error
  }
}

async function missingBlob(store: Store, digest: Digest, mediaType: string): Promise<string | undefined> {
  const document = parseManifest(await store.blobs.read(digest), mediaType)
  if (document.kind === 'index') return undefined
  const { config, layers } = document.manifest
  const lacking = [config, ...layers].find(blob => store.blobs.size(blob.digest) === undefined)
  return lacking && `blob ${lacking.digest}`
}
