import { openShelf } from '../archive/load.ts'
import { layoutSource } from '../copy/archive-source.ts'
import { layoutTarget } from '../copy/layout-target.ts'
import { registrySource, registryTarget } from '../copy/registry.ts'
import type { ImageSource, Pusher } from '../copy/types.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { RegistryClient } from '../registry/client/registry.ts'
import { uploadBlobOf } from '../registry/client/upload-image.ts'
import { uploadMemory } from '../registry/client/upload-memory.ts'
import type { Lease, Store } from '../store/types.ts'
import { storeContent } from '../transfer/store-content.ts'
import type { CachePlace } from './spec.ts'

/** What caches are opened with. The client is asked for when one is in a registry. */
export interface CachePlaces {
  readonly store: Store
  readonly client: () => Promise<RegistryClient>
}

export async function openCachePlace(
  { store, client }: CachePlaces,
  place: CachePlace,
  lease: Lease,
  signal: AbortSignal,
): Promise<ImageSource> {
  if (place.type === 'registry') return await registrySource(await client(), place.reference, signal)
  return await layoutSource(await openShelf(store, lease, place.folder, { signal }), place.name)
}

/** Where a cache is written. */
export interface CacheWriter {
  readonly pusher: Pusher
  /** Moves a blob of the store there unless it is there; a folder takes all of them at the end. */
  send(blob: Descriptor, signal: AbortSignal): Promise<void>
}

export async function openCacheWriter({ store, client }: CachePlaces, place: CachePlace): Promise<CacheWriter> {
  if (place.type === 'local') {
    return { pusher: await layoutTarget(place.folder, place.name), send: async () => undefined }
  }
  const { reference } = place
  const opened = await client()
  const memory = uploadMemory(store.uploadsDir)
  const remote = { registry: opened.registry(reference.registry), repository: reference.repository }
  return {
    pusher: registryTarget(opened, reference, { memory }),
    send: (blob, signal) => uploadBlobOf(remote, blob, storeContent(store), { memory, signal }),
  }
}
