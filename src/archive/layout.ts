import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts'

/** Content of the file `oci-layout`. Source: OCI image-spec v1.1 image-layout.md. */
export const LAYOUT = { imageLayoutVersion: '1.0.0' }

/** Annotations that name an image in an index.json: the specification's, mostly a tag, and containerd's complete name. */
export const REF_NAME = 'org.opencontainers.image.ref.name'
export const CONTAINERD_NAME = 'io.containerd.image.name'

export function blobPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`
}
