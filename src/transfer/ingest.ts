import { ShaleError } from '../error.ts'
import { indexLayer } from '../layer/read.ts'
import { maxLayerSize } from '../layer/size-limit.ts'
import { CONFIG_TYPES } from '../oci/config-types.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import { MAX_DOCUMENT_BYTES, type Manifest, parseManifest } from '../oci/manifest.ts'
import { isForeignLayer, layerCompression } from '../oci/media-types.ts'
import type { LayerRecord, Lease, Store } from '../store/types.ts'
import type { ContentSource } from './content-source.ts'
import type { LayerEvent, OnTransferEvent } from './events.ts'
import { ingestBlob } from './ingest-blob.ts'
import { forEachParallel } from './parallel.ts'
import { type Receiving, receiveBlob } from './receive.ts'
import { sniffStream } from './sniff.ts'

export interface IngestOptions {
  readonly onEvent?: OnTransferEvent | undefined
  readonly signal?: AbortSignal | undefined
  /** How many layers at a time; 3 if absent, as docker. */
  readonly parallel?: number | undefined
}

/**
 * Brings one platform's image into the store: its config and layers, what is there already left out, then its manifest.
 * Every layer is stored and indexed in one pass over its bytes, its diff ID verified against the config. Throws
 * `NOT_AN_IMAGE`, `UNSUPPORTED_LAYER`, `LAYER_DIFF_ID_MISMATCH` and the store's errors. Gives the manifest's descriptor.
 */
export async function ingestImage(
  store: Store,
  lease: Lease,
  source: ContentSource,
  raw: Uint8Array,
  mediaType: string,
  options: IngestOptions = {},
): Promise<Descriptor> {
  const document = parseManifest(raw, mediaType)
  if (document.kind !== 'manifest') {
    throw new ShaleError('INVALID_MANIFEST', `${source.name}: an index where one image's manifest was expected`)
  }
  checkImage(document.manifest, source)
  const diffIds = await ingestConfig(store, lease, source, document.manifest, options)
  const layers = pairLayers(document.manifest, diffIds, source)
  for (const { descriptor } of layers) options.onEvent?.(event(descriptor, 'waiting', 0))
  await forEachParallel(layers, options.parallel ?? 3, options.signal, async (layer, signal) => {
    await ingestLayer({ store, lease, source, onEvent: options.onEvent, signal }, layer)
  })
  return await store.images.add(lease, raw, document.mediaType)
}

function checkImage(manifest: Manifest, source: ContentSource): void {
  const artifact = manifest.artifactType ?? manifest.config.mediaType
  if (!CONFIG_TYPES.has(manifest.config.mediaType)) {
    throw new ShaleError('NOT_AN_IMAGE', `${source.name} is not a container image but ${JSON.stringify(artifact)}`)
  }
  for (const layer of manifest.layers) {
    if (layerCompression(layer.mediaType) !== undefined) continue
    throw new ShaleError('UNSUPPORTED_LAYER', `${source.name} has a layer of type ${JSON.stringify(layer.mediaType)}`, {
      hint: isForeignLayer(layer.mediaType)
        ? 'foreign layers, kept outside of registries, are those of Windows images'
        : 'layers must be tar, tar+gzip or tar+zstd',
    })
  }
}

async function ingestConfig(
  store: Store,
  lease: Lease,
  source: ContentSource,
  manifest: Manifest,
  options: IngestOptions,
): Promise<readonly Digest[]> {
  const { config } = manifest
  if (config.size > MAX_DOCUMENT_BYTES) {
    throw new ShaleError('DOCUMENT_TOO_LARGE', `${source.name}: the config ${config.digest} has ${config.size} bytes`)
  }
  if (!store.hold(lease, { kind: 'blob', digest: config.digest })) {
    await ingestBlob(store, lease, source, config, options.signal ?? new AbortController().signal)
  }
  return parseImageConfig(await store.blobs.read(config.digest)).rootfs.diff_ids
}

/** A layer that is to be stored. */
export interface IncomingLayer {
  readonly descriptor: Descriptor
  readonly diffId: Digest
  /** What made its bytes; `imported` if absent: nobody knows. */
  readonly packer?: string | undefined
}

/** Every different layer once, with the diff ID that the config has for it. */
function pairLayers(manifest: Manifest, diffIds: readonly Digest[], source: ContentSource): readonly IncomingLayer[] {
  if (manifest.layers.length !== diffIds.length) {
    throw new ShaleError(
      'INVALID_MANIFEST',
      `${source.name}: the manifest has ${manifest.layers.length} layers, but its config ${diffIds.length}`,
    )
  }
  const layers = new Map<Digest, IncomingLayer>()
  for (const [index, descriptor] of manifest.layers.entries()) {
    const diffId = diffIds[index] as Digest
    const known = layers.get(descriptor.digest)
    if (known !== undefined && known.diffId !== diffId) {
      throw new ShaleError(
        'LAYER_DIFF_ID_MISMATCH',
        `${source.name}: the config has two diff IDs for the one layer ${descriptor.digest}: ${known.diffId}, ${diffId}`,
      )
    }
    layers.set(descriptor.digest, { descriptor, diffId })
  }
  return [...layers.values()]
}

/** Stores and indexes a layer in one pass over its bytes, or finds it in the store. Throws as `ingestImage`. */
export async function ingestLayer(
  work: Receiving,
  { descriptor, diffId, packer = 'imported' }: IncomingLayer,
): Promise<LayerRecord> {
  const { store, lease, source, onEvent } = work
  const stored = store.hold(lease, { kind: 'blob', digest: descriptor.digest })
  const indexed = stored ? indexedLayer(work, descriptor.digest, diffId) : undefined
  if (indexed !== undefined) {
    onEvent?.(event(descriptor, 'exists', descriptor.size))
    return indexed
  }
  const what = `${source.name}: layer ${descriptor.digest}`
  const index = async (bytes: AsyncIterable<Uint8Array>) => {
    // Media types are sometimes wrong about the compression; other tools go by the bytes, and so must we.
    const { compression, stream } = await sniffStream(reported(bytes, descriptor, onEvent), what)
    const { toc } = await indexLayer(stream, compression, { diffId, maxSize: maxLayerSize() }).catch(error => {
      throw inLayer(error, what)
    })
    return { toc, compression }
  }
  const { toc, compression } = stored
    ? await index(store.blobs.stream(descriptor.digest))
    : await receiveBlob(work, descriptor, index)
  const { id } = await store.layers.add(lease, { toc, diffId })
  const { digest, size, mediaType, annotations } = descriptor
  const blob = { digest, size, compression, mediaType, packer, annotations }
  const record = store.layers.setPacked(lease, id, diffId, blob)
  onEvent?.(event(descriptor, 'done', size))
  return record
}

function indexedLayer({ store, lease }: Receiving, blob: Digest, diffId: Digest): LayerRecord | undefined {
  const layer = store.layers.byDiffId(diffId)
  if (layer === undefined || !layer.blobs.some(({ digest }) => digest === blob)) return undefined
  return store.hold(lease, { kind: 'layer', id: layer.id }) ? layer : undefined
}

/** Says of an error in a layer's content which layer of which image it is. */
function inLayer(error: unknown, what: string): unknown {
  if (!(error instanceof ShaleError) || !/^(?:TAR|LAYER)_/.test(error.code)) return error
  return new ShaleError(error.code, `${what}: ${error.message}`, { hint: error.hint, cause: error })
}

async function* reported(
  bytes: AsyncIterable<Uint8Array>,
  descriptor: Descriptor,
  onEvent: OnTransferEvent | undefined,
): AsyncGenerator<Uint8Array> {
  let moved = 0
  for await (const chunk of bytes) {
    moved += chunk.byteLength
    onEvent?.(event(descriptor, 'moving', moved))
    yield chunk
  }
}

function event(descriptor: Descriptor, state: LayerEvent['state'], moved: number): LayerEvent {
  return { kind: 'layer', digest: descriptor.digest, state, moved, size: descriptor.size }
}
