import { openShelf } from '../archive/load.ts'
import { ShaleError } from '../error.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import type { RegistryClient } from '../registry/client/registry.ts'
import { uploadMemory } from '../registry/client/upload-memory.ts'
import { findImage } from '../store/resolve.ts'
import type { Lease, Store } from '../store/types.ts'
import type { OnTransferEvent } from '../transfer/events.ts'
import { dockerArchiveSource, layoutSource } from './archive-source.ts'
import { dockerArchiveTarget, ociArchiveTarget } from './archive-target.ts'
import { layoutTarget } from './layout-target.ts'
import type { Place } from './place.ts'
import { registrySource, registryTarget } from './registry.ts'
import { storeSource, storeTarget } from './store.ts'
import type { ImageSource, Pusher } from './types.ts'

/** What places are opened with. The lease holds what is read and written in the store until the copy has ended. */
export interface Places {
  readonly store: Store
  readonly lease: Lease
  readonly client: RegistryClient
  readonly onEvent?: OnTransferEvent | undefined
  readonly signal?: AbortSignal | undefined
}

/** A plain name is looked for in the store, then in its registry. */
export async function openSource(places: Places, place: Place): Promise<ImageSource> {
  const { store, lease, client, signal } = places
  switch (place.kind) {
    case 'registry':
      return await registrySource(client, place.reference, signal)
    case 'name': {
      const found = findImage(store, place.text)
      if (found === undefined) return await registrySource(client, parseReference(place.text), signal)
      store.hold(lease, { kind: 'image', id: found.id })
      return storeSource(store, found.id, found.name ?? place.text, found.name)
    }
    case 'docker-archive':
      return await dockerArchiveSource(await openShelf(store, lease, place.path, { signal }), place.name)
    case 'oci':
    case 'oci-archive':
      return await layoutSource(await openShelf(store, lease, place.path, { signal }), place.name)
    default:
      return place satisfies never
  }
}

/** A plain name is one of the store. Where none is given, `sourceName` is the image's in a layout or archive. */
export async function openTarget(places: Places, place: Place, sourceName: string | undefined): Promise<Pusher> {
  const { store, lease, client, onEvent, signal } = places
  switch (place.kind) {
    case 'registry':
      return registryTarget(client, place.reference, { memory: uploadMemory(store.uploadsDir), onEvent, signal })
    case 'name':
      return storeTarget(store, lease, tagName(place.text), onEvent)
    case 'oci':
      return await layoutTarget(place.path, place.name ?? sourceName, onEvent)
    case 'oci-archive':
      return ociArchiveTarget(place.path, place.name ?? sourceName, onEvent)
    case 'docker-archive':
      return dockerArchiveTarget(store, lease, place.path, place.name ?? sourceName, onEvent)
    default:
      return place satisfies never
  }
}

function tagName(text: string): string {
  const reference = parseReference(text)
  if (reference.digest === undefined) return formatReference(reference)
  throw new ShaleError('INVALID_REFERENCE', `cannot copy to ${JSON.stringify(text)}: a name in the store has no digest`)
}
