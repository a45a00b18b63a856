import { ShaleError } from '../error.ts'
import { sniffCompression } from '../layer/compression.ts'
import { indexLayer } from '../layer/read.ts'
import type { Digest } from '../oci/digest.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import type { Manifest } from '../oci/manifest.ts'
import { MediaType } from '../oci/media-types.ts'
import type { LocalStore } from './open.ts'
import type { Lease } from './types.ts'

/**
 * Indexes the layers of an image's manifest that the store has as blobs but does not know as layers. One that cannot be
 * read makes its image incomplete, and no other.
 */
export async function noteLayers(store: LocalStore, lease: Lease, manifest: Manifest): Promise<void> {
  const { config } = manifest
  if (config.mediaType !== MediaType.ociConfig && config.mediaType !== MediaType.dockerConfig) return
  if (store.blobs.size(config.digest) === undefined) return
  try {
    const diffIds = parseImageConfig(await store.blobs.read(config.digest)).rootfs.diff_ids
    for (const [index, layer] of manifest.layers.entries()) {
      const diffId = diffIds[index]
      if (diffId === undefined || store.blobs.size(layer.digest) === undefined) continue
      if (store.layers.byDiffId(diffId)?.blobs.some(({ digest }) => digest === layer.digest)) continue
      const compression = await compressionOf(store, layer.digest)
      const { toc } = await indexLayer(store.blobs.stream(layer.digest), compression, { diffId })
      const { id } = await store.layers.add(lease, { toc, diffId })
      const { digest, size, mediaType, annotations } = layer
      store.layers.setPacked(lease, id, diffId, {
        digest,
        size,
        compression,
        mediaType,
        packer: 'imported',
        annotations,
      })
    }
  } catch (error) {
    if (!(error instanceof ShaleError) || error.code === 'DISK_FULL') throw error
  }
}

async function compressionOf(store: LocalStore, digest: Digest) {
  for await (const chunk of store.blobs.stream(digest)) return sniffCompression(chunk)
  return 'none'
}
