import { createReadStream } from 'node:fs'
import { ShaleError } from '../../error.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { type Manifest, parseManifest } from '../../oci/manifest.ts'
import { formatPlatform, type Platform } from '../../oci/platform.ts'
import { formatReference, parseReference, type Reference } from '../../oci/reference.ts'
import type { Store } from '../../store/types.ts'
import type { LayerEvent, OnTransferEvent } from '../../transfer/events.ts'
import { forEachParallel } from '../../transfer/parallel.ts'
import { hasBlob } from './blobs.ts'
import { headManifest, putManifest } from './manifests.ts'
import { mountSources } from './mount-sources.ts'
import { createRegistryClient, type Registry, type RegistryClient } from './registry.ts'
import { uploadBlob } from './upload.ts'
import { uploadMemory } from './upload-memory.ts'
import { mountBlob } from './upload-session.ts'

export interface PushOptions {
  /** Of an index, only this platform's image is pushed, under the tag. */
  readonly platform?: Platform | undefined
  readonly client?: RegistryClient | undefined
  readonly onEvent?: OnTransferEvent | undefined
  readonly signal?: AbortSignal | undefined
  /** Blobs at a time; 5 if absent, as docker. */
  readonly parallel?: number | undefined
}

export interface PushedImage {
  readonly name: string
  /** What the registry's tag points at now. */
  readonly digest: Digest
  /** Bytes of the manifest or index. */
  readonly size: number
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
    const push = { store, registry: client.registry(parsed.registry), repository: parsed.repository, name, options }
    const pushed = await pushTop(push, id, parsed.tag ?? id)
    store.images.addRepoDigest(`${parsed.registry}/${parsed.repository}`, pushed.digest)
    return pushed
  } finally {
    lease.end()
    if (options.client === undefined) client.close()
  }
}

interface Push {
  readonly store: Store
  readonly registry: Registry
  readonly repository: string
  readonly name: string
  readonly options: PushOptions
}

async function pushTop(push: Push, id: Digest, target: string): Promise<PushedImage> {
  const { store, options, name } = push
  const index = options.platform === undefined ? await store.images.openIndex(id) : undefined
  if (index === undefined) {
    const image = await store.images.open(id, options.platform)
    await pushManifest(push, image.digest, image.manifest, image.rawManifest, image.mediaType, target)
    return { name, digest: image.digest, size: image.rawManifest.byteLength }
  }
  for (const child of index.manifests) await pushChild(push, child)
  const raw = await store.blobs.read(id)
  const mediaType = store.images.get(id)?.mediaType ?? ''
  await putTop(push, id, raw, mediaType, target)
  return { name, digest: id, size: raw.byteLength }
}

async function pushChild(push: Push, child: Descriptor): Promise<void> {
  const { store, registry, repository, options } = push
  if (store.blobs.size(child.digest) !== undefined) {
    const raw = await store.blobs.read(child.digest)
    const document = parseManifest(raw, child.mediaType)
    if (document.kind === 'manifest') {
      return await pushManifest(push, child.digest, document.manifest, raw, child.mediaType, child.digest)
    }
  }
  const there = await headManifest(registry, { repository, reference: child.digest }, options.signal)
  if (there !== undefined) return
  const platform = child.platform === undefined ? '' : ` for ${formatPlatform(child.platform)}`
  throw new ShaleError(
    'IMAGE_INCOMPLETE',
    `cannot push ${push.name}: it names an image${platform} (${child.digest}) that is not stored here`,
    { hint: 'push one platform’s image with --platform, or pull the others first' },
  )
}

async function pushManifest(
  push: Push,
  digest: Digest,
  manifest: Manifest,
  raw: Uint8Array,
  mediaType: string,
  target: string,
): Promise<void> {
  const { store, registry, repository, options } = push
  options.onEvent?.({ kind: 'manifest', digest, mediaType })
  const there = await headManifest(registry, { repository, reference: digest }, options.signal)
  const layers = [...new Map(manifest.layers.map(layer => [layer.digest, layer])).values()]
  for (const layer of layers) options.onEvent?.(event(layer, there ? 'exists' : 'waiting', there ? layer.size : 0))
  if (there === undefined) {
    const sources = await mountSources(store, registry.name, repository)
    await forEachParallel([...layers, manifest.config], options.parallel ?? 5, options.signal, (blob, signal) =>
      pushBlob({ ...push, options: { ...options, signal } }, blob, sources.get(blob.digest), blob !== manifest.config),
    )
  }
  await putTop(push, digest, raw, mediaType, target)
}

async function putTop(push: Push, digest: Digest, raw: Uint8Array, mediaType: string, target: string): Promise<void> {
  const { registry, repository, options } = push
  const got = await putManifest(registry, { repository, reference: target }, raw, mediaType, options.signal)
  if (got !== undefined && got !== digest) {
    throw new ShaleError('REGISTRY_FAILED', `${push.name} is ${got} at the registry, but ${digest} was pushed`, {
      hint: 'a registry that rewrites manifests cannot keep an image as it was built',
    })
  }
}

async function pushBlob(push: Push, blob: Descriptor, from: string | undefined, isLayer: boolean): Promise<void> {
  const { registry, repository, store, options } = push
  const { signal } = options
  const tell = (state: LayerEvent['state'], moved: number, origin?: string) => {
    if (isLayer) options.onEvent?.(event(blob, state, moved, origin))
  }
  const address = { repository, digest: blob.digest }
  if (await hasBlob(registry, address, signal)) return tell('exists', blob.size)
  const opened = from === undefined ? undefined : await mountBlob(registry, address, from, signal)
  if (opened === 'mounted') return tell('mounted', blob.size, from)
  const open = async function* (from: number) {
    let moved = from
    for await (const chunk of from === 0 ? store.blobs.stream(blob.digest) : rest(store, blob, from)) {
      yield chunk
      moved += chunk.byteLength
      tell('moving', moved)
    }
  }
  const memory = uploadMemory(store.uploadsDir)
  await uploadBlob(registry, address, { size: blob.size, open }, { session: opened, memory, signal })
  tell('done', blob.size)
}

/** The end of a blob. It is the registry that verifies the whole. */
function rest(store: Store, blob: Descriptor, from: number): AsyncIterable<Uint8Array> {
  return createReadStream(store.blobs.path(blob.digest), { start: from, highWaterMark: 256 * 1024 })
}

function event(layer: Descriptor, state: LayerEvent['state'], moved: number, from?: string): LayerEvent {
  return { kind: 'layer', digest: layer.digest, state, moved, size: layer.size, ...(from && { from }) }
}
