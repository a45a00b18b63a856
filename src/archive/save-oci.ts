import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import { MediaType } from '../oci/media-types.ts'
import { mediaTypeOf } from '../store/register.ts'
import type { Store } from '../store/types.ts'
import { type ArchiveItem, bytesItem, jsonItem } from './item.ts'
import { blobPath, CONTAINERD_NAME, LAYOUT, REF_NAME } from './layout.ts'
import { namingImage } from './name-image.ts'
import type { Selected } from './selection.ts'

/**
 * An OCI layout's files: every blob of the images as it is, then `index.json` and `oci-layout`. An index goes in with
 * those of its images that the store has. Source: OCI image-spec v1.1 image-layout.md.
 */
export async function* ociItems(store: Store, images: readonly Selected[]): AsyncGenerator<ArchiveItem> {
  const done = new Set<Digest>()
  const manifests: Descriptor[] = []
  const imageItems = async function* ({ id, names }: Selected): AsyncGenerator<ArchiveItem> {
    for await (const { digest, size } of documentsAndBlobs(store, id)) {
      if (done.has(digest)) continue
      done.add(digest)
      yield { path: blobPath(digest), size, open: () => store.blobs.stream(digest) }
    }
    const raw = await store.blobs.read(id)
    const mediaType = store.images.get(id)?.mediaType ?? mediaTypeOf(raw)
    manifests.push(...indexEntries({ mediaType, digest: id, size: raw.byteLength }, names))
  }
  for (const image of images) yield* namingImage(image, () => imageItems(image))
  yield bytesItem('index.json', encodeIndex(manifests))
  yield jsonItem('oci-layout', LAYOUT)
}

export function encodeIndex(manifests: readonly Descriptor[]): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }))
}

/** One entry for each name, in the form that containerd and docker read, with the tag as the specification has it. */
export function indexEntries(descriptor: Descriptor, names: readonly string[]): readonly Descriptor[] {
  if (names.length === 0) return [descriptor]
  return names.map(name => ({
    ...descriptor,
    annotations: { [CONTAINERD_NAME]: name, [REF_NAME]: name.slice(name.lastIndexOf(':') + 1) },
  }))
}

async function* documentsAndBlobs(
  store: Store,
  digest: Digest,
): AsyncGenerator<{ readonly digest: Digest; readonly size: number }> {
  const raw = await store.blobs.read(digest)
  const document = parseManifest(raw)
  if (document.kind === 'manifest') yield* [document.manifest.config, ...document.manifest.layers]
  else {
    for (const child of document.index.manifests) {
      if (store.blobs.size(child.digest) !== undefined) yield* documentsAndBlobs(store, child.digest)
    }
  }
  yield { digest, size: raw.byteLength }
}
