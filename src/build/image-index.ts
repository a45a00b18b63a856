import type { Index } from '../oci/manifest.ts'
import { MediaType } from '../oci/media-types.ts'
import type { Lease, Store } from '../store/types.ts'
import type { ExportedImage } from './export.ts'

/** An index over the images of several platforms, in the order in which these were asked for; see `exportImage`. */
export async function exportIndex(
  { store, lease }: { readonly store: Store; readonly lease: Lease },
  images: readonly ExportedImage[],
  register: boolean,
): Promise<{ readonly digest: ExportedImage['digest'] }> {
  const index: Index = {
    schemaVersion: 2,
    mediaType: MediaType.ociIndex,
    manifests: images.map(({ digest, mediaType, size, config }) => {
      const { os, architecture, variant } = config
      return { mediaType, digest, size, platform: { os, architecture, ...(variant !== undefined && { variant }) } }
    }),
  }
  const raw = Buffer.from(JSON.stringify(index))
  return register ? store.images.add(lease, raw, MediaType.ociIndex) : store.blobs.put(lease, raw)
}
