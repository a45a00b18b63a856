import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Manifest } from '../../oci/manifest.ts'
import { isForeignLayer } from '../../oci/media-types.ts'
import type { ContentSource } from '../../transfer/content-source.ts'
import type { LayerEvent, OnTransferEvent } from '../../transfer/events.ts'
import { forEachParallel } from '../../transfer/parallel.ts'
import { hasBlob } from './blobs.ts'
import { headManifest } from './manifests.ts'
import type { RemoteRepository } from './registry.ts'
import { uploadBlob } from './upload.ts'
import type { UploadMemory } from './upload-memory.ts'
import { mountBlob } from './upload-session.ts'

/** For a blob that another repository of the same registry is known to have: that repository. */
export type MountSources = (digest: Digest) => string | undefined

export interface UploadImageOptions {
  readonly memory: UploadMemory
  /** Asked for when a manifest is not there yet. */
  readonly mountSources: () => Promise<MountSources>
  readonly onEvent?: OnTransferEvent | undefined
  readonly signal?: AbortSignal | undefined
  /** Blobs at a time; 5 if absent, as docker. */
  readonly parallel?: number | undefined
}

/**
 * Brings what a manifest refers to into a repository: nothing when the repository has the manifest, else those blobs that
 * it lacks, mounted or uploaded. Layers that are kept elsewhere stay there.
 */
export async function uploadContent(
  remote: RemoteRepository,
  digest: Digest,
  manifest: Manifest,
  content: ContentSource,
  options: UploadImageOptions,
): Promise<void> {
  const { onEvent } = options
  const there = await headManifest(remote.registry, { ...remote, reference: digest }, options.signal)
  const own = manifest.layers.filter(layer => !isForeignLayer(layer.mediaType))
  const layers = [...new Map(own.map(layer => [layer.digest, layer])).values()]
  for (const layer of layers) onEvent?.(event(layer, there ? 'exists' : 'waiting', there ? layer.size : 0))
  if (there !== undefined) return
  const from = await options.mountSources()
  const { config } = manifest
  const blobs = layers.some(layer => layer.digest === config.digest) ? layers : [...layers, config]
  await forEachParallel(blobs, options.parallel ?? 5, options.signal, async (blob, signal) => {
    const onBlob = blob === config ? undefined : onEvent
    await uploadBlobOf(remote, blob, content, { ...options, signal, onEvent: onBlob }, from(blob.digest))
  })
}

/** Brings one blob into a repository, unless it is there; `from` is a repository of the registry that has it. */
export async function uploadBlobOf(
  { registry, repository }: RemoteRepository,
  blob: Descriptor,
  content: ContentSource,
  { memory, onEvent, signal = new AbortController().signal }: Omit<UploadImageOptions, 'mountSources'>,
  from?: string,
): Promise<void> {
  const tell = (state: LayerEvent['state'], moved: number, origin?: string) =>
    onEvent?.(event(blob, state, moved, origin))
  const address = { repository, digest: blob.digest }
  if (await hasBlob(registry, address, signal)) return tell('exists', blob.size)
  const opened = from === undefined ? undefined : await mountBlob(registry, address, from, signal)
  if (opened === 'mounted') return tell('mounted', blob.size, from)
  const open = async function* (from: number) {
    let moved = from
    for await (const chunk of content.stream(blob, signal, from)) {
      yield chunk
      moved += chunk.byteLength
      tell('moving', moved)
    }
  }
  await uploadBlob(registry, address, { size: blob.size, open }, { session: opened, memory, signal })
  tell('done', blob.size)
}

function event(layer: Descriptor, state: LayerEvent['state'], moved: number, from?: string): LayerEvent {
  return { kind: 'layer', digest: layer.digest, state, moved, size: layer.size, ...(from && { from }) }
}
