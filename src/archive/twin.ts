import { ShaleError } from '../error.ts'
import { type Digest, sha256 } from '../oci/digest.ts'
import type { Lease, Store } from '../store/types.ts'

/**
 * The image that the store has already of what a docker-archive holds: with the same config bytes, so the same diff IDs,
 * and whole. A docker-archive has plain layers and so a manifest of its own; the image that it was saved from, whose
 * layers are compressed, is the same to anyone who runs it, and keeps its ID. One that bears a name of the archive goes
 * before others. It is held by the lease.
 */
export async function findTwin(
  store: Store,
  lease: Lease,
  config: Digest,
  names: readonly string[],
): Promise<Digest | undefined> {
  const named = new Set(names.map(name => store.images.getTag(name)?.digest))
  const candidates = store.images.findByConfig(config)
  const ordered = [...candidates.filter(id => named.has(id)), ...candidates.filter(id => !named.has(id))]
  for (const id of ordered) {
    if (store.hold(lease, { kind: 'image', id }) && (await isTwin(store, id, config))) return id
  }
  return undefined
}

async function isTwin(store: Store, id: Digest, config: Digest): Promise<boolean> {
  try {
    const { rawConfig, manifest } = await store.images.open(id)
    // An index may open as its image for another platform.
    return sha256(rawConfig) === config && manifest.layers.every(({ digest }) => store.blobs.size(digest) !== undefined)
  } catch (error) {
    // One that cannot be opened is not whole; what the archive has makes it so again.
    if (error instanceof ShaleError) return false
    throw error
  }
}
