import type { Digest } from '../../oci/digest.ts'
import { isDigest } from '../../oci/digest.ts'
import { parseManifest } from '../../oci/manifest.ts'
import type { Store } from '../../store/types.ts'

/**
 * For blobs that another repository of the registry is known to have, because an image with them was pulled from it or
 * pushed to it: that repository. Registries check for themselves whether we may read it.
 */
export async function mountSources(
  store: Store,
  registry: string,
  target: string,
): Promise<ReadonlyMap<Digest, string>> {
  const sources = new Map<Digest, string>()
  for (const { repoDigests } of store.images.list()) {
    for (const repoDigest of repoDigests) {
      const at = repoDigest.lastIndexOf('@')
      const digest = repoDigest.slice(at + 1)
      const repository = repoDigest.slice(registry.length + 1, at)
      if (!repoDigest.startsWith(`${registry}/`) || repository === target || !isDigest(digest)) continue
      for (const blob of await blobsOf(store, digest)) sources.set(blob, repository)
    }
  }
  return sources
}

/** Layers of the manifest, or of those manifests of the index that are stored. */
async function blobsOf(store: Store, digest: Digest): Promise<readonly Digest[]> {
  if (store.blobs.size(digest) === undefined) return []
  const document = parseManifest(await store.blobs.read(digest))
  if (document.kind === 'manifest') return document.manifest.layers.map(layer => layer.digest)
  const children = document.index.manifests.filter(child => child.digest !== digest)
  return (await Promise.all(children.map(child => leafBlobs(store, child.digest)))).flat()
}

async function leafBlobs(store: Store, digest: Digest): Promise<readonly Digest[]> {
  if (store.blobs.size(digest) === undefined) return []
  const document = parseManifest(await store.blobs.read(digest))
  return document.kind === 'manifest' ? document.manifest.layers.map(layer => layer.digest) : []
}
