import { ShaleError } from '../../error.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { layerCompression } from '../../oci/media-types.ts'
import { formatPlatform, type Platform } from '../../oci/platform.ts'
import { formatReference, parseReference, type Reference } from '../../oci/reference.ts'
import type { Lease, Store, StoredImage } from '../../store/types.ts'
import { type ImageDocument, imageDocument } from '../../transfer/document.ts'
import type { OnTransferEvent } from '../../transfer/events.ts'
import { indexVariant } from '../../transfer/index-variant.ts'
import { storeContent } from '../../transfer/store-content.ts'
import { imageVariant } from '../../transfer/variant.ts'
import { headManifest, putManifest } from './manifests.ts'
import { mountSources } from './mount-sources.ts'
import { createRegistryClient, type RegistryClient, type RemoteRepository } from './registry.ts'
import { uploadContent } from './upload-image.ts'
import { uploadMemory } from './upload-memory.ts'

export interface PushOptions {
  /** Of an index, only this platform's image is pushed, under the tag. */
  readonly platform?: Platform | undefined
  readonly client?: RegistryClient | undefined
  readonly onEvent?: OnTransferEvent | undefined
  readonly signal?: AbortSignal | undefined
  /** Layers go in this compression; a variant of the image is made where they have another. */
  readonly compression?: 'gzip' | 'zstd' | undefined
  /** Blobs at a time; 5 if absent, as docker. */
  readonly parallel?: number | undefined
}

export interface PushedImage {
  readonly name: string
  /** What the registry's tag points at now. */
  readonly digest: Digest
  /** Bytes of the manifest or index. */
  readonly size: number
  /** The image's own digest, when a variant of it was pushed. */
  readonly original?: Digest | undefined
}

/**
 * Pushes a stored image to the registry, repository and tag of its name: blobs that are not there (mounted from another
 * repository of the registry where one is known to have them), then manifests, then the index. Throws `NO_SUCH_IMAGE`,
 * and `IMAGE_INCOMPLETE` when the index names an image that neither the store nor the registry has.
 */
export async function pushImage(
  store: Store,
  reference: string | Reference,
  options: PushOptions = {},
): Promise<PushedImage> {
  const parsed = typeof reference === 'string' ? parseReference(reference) : reference
  const name = formatReference(parsed)
  const id = parsed.digest ?? store.images.getTag(name)?.digest
  if (id === undefined || store.images.get(id) === undefined) {
    throw new ShaleError('NO_SUCH_IMAGE', `an image does not exist locally with the tag: ${name}`, {
      hint: `give it that name first: shale tag IMAGE ${name}`,
    })
  }
  const client = options.client ?? createRegistryClient()
  if (client.offline) throw new ShaleError('OFFLINE', `cannot push ${name}: --offline keeps from using the network`)
  const lease = store.lease(`push ${name}`)
  try {
    const remote = { registry: client.registry(parsed.registry), repository: parsed.repository }
    const push = { store, lease, remote, name, options }
    const pushed = await pushTop(push, id, parsed.tag ?? id)
    if (pushed.original === undefined) {
      store.images.addRepoDigest(`${parsed.registry}/${parsed.repository}`, pushed.digest)
    }
    store.publications.note({ digest: pushed.digest, name, why: 'push' })
    return pushed
  } finally {
    lease.end()
    if (options.client === undefined) client.close()
  }
}

interface Push {
  readonly store: Store
  readonly lease: Lease
  readonly remote: RemoteRepository
  readonly name: string
  readonly options: PushOptions
}

async function pushTop(push: Push, id: Digest, target: string): Promise<PushedImage> {
  const { store, options, name } = push
  const index = options.platform === undefined ? await store.images.openIndex(id) : undefined
  if (index === undefined) return await pushOne(push, await store.images.open(id, options.platform), target)
  if (options.compression !== undefined) return await pushIndexVariant(push, id, target, options.compression)
  const raw = await store.blobs.read(id)
  return await orGzip(
    push,
    async () => {
      for (const child of index.manifests) await pushChild(push, child)
      await putTop(push, imageDocument(raw, id, store.images.get(id)?.mediaType), target)
      return { name, digest: id, size: raw.byteLength }
    },
    () => pushIndexVariant(push, id, target, 'gzip'),
  )
}

async function pushIndexVariant(
  push: Push,
  id: Digest,
  target: string,
  compression: 'gzip' | 'zstd',
): Promise<PushedImage> {
  const { store, lease, options, name } = push
  const { index, children } = await indexVariant(store, lease, id, { ...options, compression })
  for (const child of children) await pushManifest(push, child, child.descriptor.digest)
  const { digest, size } = index.descriptor
  await putTop(push, index, target === id ? digest : target)
  return { name, digest, size, ...(digest !== id && { original: id }) }
}

/** An image, or where that is wanted or the registry takes no zstd, its variant. */
async function pushOne(push: Push, image: StoredImage, target: string): Promise<PushedImage> {
  const { compression } = push.options
  if (compression !== undefined) return await pushVariant(push, image, target, compression)
  const own = imageDocument(image.rawManifest, image.digest, image.mediaType)
  const pushOwn = async () => {
    await pushManifest(push, own, target)
    return { name: push.name, digest: image.digest, size: own.descriptor.size }
  }
  const hasZstd = image.manifest.layers.some(layer => layerCompression(layer.mediaType) === 'zstd')
  return hasZstd ? await orGzip(push, pushOwn, () => pushVariant(push, image, target, 'gzip')) : await pushOwn()
}

/** What a registry refuses may be zstd; when it takes no gzip either, the first refusal counts. */
async function orGzip(
  { remote, options }: Push,
  own: () => Promise<PushedImage>,
  inGzip: () => Promise<PushedImage>,
): Promise<PushedImage> {
  try {
    return await own()
  } catch (error) {
    if (!refusesManifest(error)) throw error
    const message = `${remote.registry.name} refuses the image with zstd layers, so that gzip is tried: ${error.message}`
    options.onEvent?.({ kind: 'warning', message })
    return await inGzip().catch(() => {
      throw error
    })
  }
}

async function pushVariant(
  push: Push,
  image: StoredImage,
  target: string,
  compression: 'gzip' | 'zstd',
): Promise<PushedImage> {
  const { store, lease, options, name } = push
  const variant = await imageVariant(store, lease, image, { ...options, compression })
  const { digest, size } = variant.descriptor
  // By its digest alone a registry takes no other manifest.
  await pushManifest(push, variant, target === image.digest ? digest : target)
  return { name, digest, size, ...(digest !== image.digest && { original: image.digest }) }
}

/** As registries answer that do not know a layer's media type. */
function refusesManifest(error: unknown): error is ShaleError {
  return error instanceof ShaleError && error.code === 'REGISTRY_REFUSED' && /^cannot push /.test(error.message)
}

async function pushChild(push: Push, child: Descriptor): Promise<void> {
  const { store, remote, options } = push
  if (store.blobs.size(child.digest) !== undefined) {
    const document = imageDocument(await store.blobs.read(child.digest), child.digest, child.mediaType)
    if (document.parsed.kind === 'manifest') return await pushManifest(push, document, child.digest)
  }
  const there = await headManifest(remote.registry, { ...remote, reference: child.digest }, options.signal)
  if (there !== undefined) return
  const platform = child.platform === undefined ? '' : ` for ${formatPlatform(child.platform)}`
  throw new ShaleError(
    'IMAGE_INCOMPLETE',
    `cannot push ${push.name}: it names an image${platform} (${child.digest}) that is not stored here`,
    { hint: 'push one platform’s image with --platform, or pull the others first' },
  )
}

async function pushManifest(push: Push, document: ImageDocument, target: string): Promise<void> {
  const { store, remote, options } = push
  const { digest, mediaType } = document.descriptor
  options.onEvent?.({ kind: 'manifest', digest, mediaType })
  if (document.parsed.kind === 'manifest') {
    await uploadContent(remote, digest, document.parsed.manifest, storeContent(store), {
      ...options,
      memory: uploadMemory(store.uploadsDir),
      mountSources: async () => {
        const sources = await mountSources(store, remote.registry.name, remote.repository)
        return blob => sources.get(blob)
      },
    })
  }
  await putTop(push, document, target)
}

async function putTop({ remote, name, options }: Push, document: ImageDocument, target: string): Promise<void> {
  const { raw, descriptor } = document
  const address = { ...remote, reference: target }
  const { digest: got } = await putManifest(remote.registry, address, raw, descriptor.mediaType, options.signal)
  if (got !== undefined && got !== descriptor.digest) {
    throw new ShaleError('REGISTRY_FAILED', `${name} is ${got} at the registry, but ${descriptor.digest} was pushed`, {
      hint: 'a registry that rewrites manifests cannot keep an image as it was built',
    })
  }
}
