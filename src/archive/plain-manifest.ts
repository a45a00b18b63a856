import type { Descriptor } from '../oci/descriptor.ts'
import { MediaType } from '../oci/media-types.ts'

/** An OCI manifest's bytes, from config and layers alone: the same ones always give the same digest. */
export function encodeManifest(config: Descriptor, layers: readonly Descriptor[]): Buffer {
  const bare = ({ mediaType, digest, size }: Descriptor) => ({ mediaType, digest, size })
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: bare(config),
    layers: layers.map(bare),
  }
  return Buffer.from(JSON.stringify(manifest))
}
