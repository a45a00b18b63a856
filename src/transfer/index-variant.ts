import { ShaleError } from '../error.ts'
import { CONFIG_TYPES } from '../oci/config-types.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { Lease, Store } from '../store/types.ts'
import { type ImageDocument, imageDocument } from './document.ts'
import { imageVariant, type VariantOptions } from './variant.ts'

/** An index in another compression, and the manifests that it names. */
export interface IndexVariant {
  readonly index: ImageDocument
  readonly children: readonly ImageDocument[]
}

/**
 * The index over variants of its images: itself when they have the compression already. What is no image in it, an
 * attestation say, stays as it is. Throws `IMAGE_INCOMPLETE` when the store lacks one of them.
 */
export async function indexVariant(
  store: Store,
  lease: Lease,
  id: Digest,
  options: VariantOptions,
): Promise<IndexVariant> {
  const own = imageDocument(await store.blobs.read(id), id, store.images.get(id)?.mediaType)
  if (own.parsed.kind !== 'index') throw new Error(`${id} is no index`)
  const children: ImageDocument[] = []
  for (const child of own.parsed.index.manifests) children.push(await childVariant(store, lease, child, options))
  const manifests = own.parsed.index.manifests.map((child, at) => {
    const { digest, size } = (children[at] as ImageDocument).descriptor
    return { ...child, digest, size }
  })
  const same = own.parsed.index.manifests.every(({ digest }, at) => digest === manifests[at]?.digest)
  if (same) return { index: own, children }
  const raw = Buffer.from(JSON.stringify({ ...JSON.parse(own.raw.toString('utf8')), manifests }))
  const { digest } = await store.blobs.put(lease, raw)
  store.variants.add(lease, { digest, original: id, compression: options.compression })
  return { index: imageDocument(raw, digest, own.descriptor.mediaType), children }
}

async function childVariant(
  store: Store,
  lease: Lease,
  child: Descriptor,
  options: VariantOptions,
): Promise<ImageDocument> {
  const { digest, mediaType, platform } = child
  if (store.blobs.size(digest) === undefined) {
    const whose = platform === undefined ? '' : ` for ${formatPlatform(platform)}`
    throw new ShaleError('IMAGE_INCOMPLETE', `the image${whose} (${digest}) of the index is not stored here`, {
      hint: 'push one platform’s image with --platform, or pull the others first',
    })
  }
  const raw = await store.blobs.read(digest)
  const parsed = parseManifest(raw, mediaType)
  if (parsed.kind === 'index') {
    throw new ShaleError(
      'COMPRESSION_OF_INDEX',
      `the index names another index (${digest}), which is not recompressed`,
      {
        hint: 'push it without --compression, or one platform’s image with --platform',
      },
    )
  }
  if (!CONFIG_TYPES.has(parsed.manifest.config.mediaType) || isAttestation(child)) {
    return imageDocument(raw, digest, mediaType)
  }
  return await imageVariant(store, lease, await store.images.open(digest), options)
}

/** BuildKit's have an image's config and layers that are none. */
function isAttestation({ annotations }: Descriptor): boolean {
  return annotations?.['vnd.docker.reference.type'] !== undefined
}
