import { ShaleError } from '../error.ts'
import { recompress, recompressorName } from '../layer/recompress.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { layerCompression, MediaType, ociLayerType } from '../oci/media-types.ts'
import type { LayerBlob, Lease, Store, StoredImage } from '../store/types.ts'
import { type ImageDocument, imageDocument } from './document.ts'
import type { OnTransferEvent } from './events.ts'
import { sniffStream } from './sniff.ts'

export interface VariantOptions {
  readonly compression: 'gzip' | 'zstd'
  readonly onEvent?: OnTransferEvent | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The image with layers in this compression: itself when they are, else a variant over the same config, which is made
 * once and recorded. The same image gives the same variant in every store.
 */
export async function imageVariant(
  store: Store,
  lease: Lease,
  image: StoredImage,
  options: VariantOptions,
): Promise<ImageDocument> {
  const { compression } = options
  const own = imageDocument(image.rawManifest, image.digest, image.mediaType)
  if (image.manifest.layers.every(layer => layerCompression(layer.mediaType) === compression)) return own
  const layers: Descriptor[] = []
  for (const [at, layer] of image.manifest.layers.entries()) {
    const diffId = image.config.rootfs.diff_ids[at] as Digest
    layers.push(await variantLayer(store, lease, { layer, diffId, docker: isDocker(image) }, options))
  }
  const raw = Buffer.from(JSON.stringify({ ...JSON.parse(image.rawManifest.toString('utf8')), layers }))
  const { digest } = await store.blobs.put(lease, raw)
  store.variants.add(lease, { digest, original: image.digest, compression })
  return imageDocument(raw, digest, image.mediaType)
}

interface VariantLayer {
  readonly layer: Descriptor
  readonly diffId: Digest
  readonly docker: boolean
}

async function variantLayer(
  store: Store,
  lease: Lease,
  { layer, diffId, docker }: VariantLayer,
  options: VariantOptions,
): Promise<Descriptor> {
  const { compression } = options
  if (layerCompression(layer.mediaType) === compression) return layer
  const packer = recompressorName(compression)
  const record = store.layers.byDiffId(diffId)
  const known = record?.blobs.find(blob => blob.packer === packer && store.blobs.size(blob.digest) === blob.size)
  const held = known !== undefined && store.hold(lease, { kind: 'blob', digest: known.digest })
  const { digest, size } = held ? known : await recompressed(store, lease, layer, diffId, options)
  return { mediaType: docker ? dockerType(compression) : ociLayerType(compression), digest, size }
}

async function recompressed(
  store: Store,
  lease: Lease,
  layer: Descriptor,
  diffId: Digest,
  { compression, onEvent, signal }: VariantOptions,
): Promise<LayerBlob> {
  onEvent?.({ kind: 'detail', message: `${layer.digest} is compressed anew with ${compression}` })
  const record = store.layers.byDiffId(diffId)
  if (record === undefined) {
    throw new ShaleError('LAYER_MISSING', `layer ${diffId} is not in the store`, { hint: 'pull the image again' })
  }
  const writer = store.blobs.writer(lease)
  try {
    const sink = (chunk: Uint8Array) => writer.write(chunk)
    // Media types are sometimes wrong about the compression.
    const { stream, compression: from } = await sniffStream(store.blobs.stream(layer.digest), `layer ${layer.digest}`)
    const made = await recompress(stream, { from, to: compression, sink, signal })
    if (made.diffId !== diffId) {
      throw new ShaleError('LAYER_DIFF_ID_MISMATCH', `layer ${layer.digest} unpacks to ${made.diffId}, not ${diffId}`)
    }
    const { digest, size } = await writer.commit()
    const packed = { digest, size, compression, mediaType: ociLayerType(compression), packer: made.packer }
    store.layers.setPacked(lease, record.id, diffId, packed)
    return packed
  } finally {
    await writer.abort()
  }
}

function isDocker({ mediaType }: StoredImage): boolean {
  return mediaType === MediaType.dockerManifest
}

function dockerType(compression: 'gzip' | 'zstd'): string {
  return compression === 'gzip' ? MediaType.dockerLayerGzip : MediaType.dockerLayerZstd
}
