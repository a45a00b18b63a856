import { stat } from 'node:fs/promises'
import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Lease, Store } from '../store/types.ts'
import { shelveFolder } from './folder-shelf.ts'
import { CONTAINERD_NAME, REF_NAME } from './layout.ts'
import { layoutContent, loadTop, readIndex } from './load-oci.ts'

/**
 * Brings one image of an OCI layout folder into the store, verified, under the lease and without a tag. `reference` is a
 * tag or digest of its index; without one the layout must have a single image, or one that is tagged `latest`. Throws
 * `LAYOUT_NOT_FOUND`, `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS` and what `loadArchive` throws.
 */
export async function loadLayoutImage(
  store: Store,
  lease: Lease,
  folder: string,
  options: { readonly reference?: string | undefined; readonly signal?: AbortSignal | undefined },
): Promise<Digest> {
  const found = await stat(folder).catch(() => undefined)
  if (!found?.isDirectory()) throw new ShaleError('LAYOUT_NOT_FOUND', `${folder} is no folder, so no OCI layout`)
  const shelf = await shelveFolder(folder)
  if (!shelf.has('index.json')) throw new ShaleError('LAYOUT_NOT_FOUND', `${folder} has no index.json: no OCI layout`)
  const { manifests } = await readIndex(shelf)
  const descriptor = choose(manifests, options.reference, folder)
  return loadTop(
    { store, lease, shelf, source: layoutContent(shelf), options: { signal: options.signal } },
    descriptor,
    [],
  )
}

function choose(manifests: readonly Descriptor[], reference: string | undefined, folder: string): Descriptor {
  const tagged = (tag: string) => manifests.find(one => tagsOf(one).includes(tag))
  const only = new Set(manifests.map(({ digest }) => digest)).size === 1 ? manifests[0] : undefined
  const found =
    reference === undefined
      ? (only ?? tagged('latest'))
      : (manifests.find(({ digest }) => digest === reference) ?? tagged(reference))
  if (found !== undefined) return found
  const has = manifests.flatMap(one => tagsOf(one)[0] ?? one.digest).join(', ') || 'no image'
  if (reference === undefined) {
    throw new ShaleError('IMAGE_AMBIGUOUS', `${folder} has several images: ${has}`, {
      hint: 'name one: oci-layout://FOLDER:TAG',
    })
  }
  throw new ShaleError('IMAGE_NOT_FOUND', `${folder} has no image ${reference}, but ${has}`)
}

function tagsOf({ annotations }: Descriptor): readonly string[] {
  const names = [annotations?.[REF_NAME], annotations?.[CONTAINERD_NAME]].filter(name => name !== undefined)
  return names.map(name => name.slice(name.lastIndexOf(':') + 1))
}
