import { madeByPacker } from '../build/layer-blobs.ts'
import type { CacheTarget, SharedLayer, SharedStep } from '../build/shared-cache.ts'
import { slots } from '../build/slots.ts'
import type { Fetcher } from '../copy/types.ts'
import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { MAX_DOCUMENT_BYTES, type Manifest } from '../oci/manifest.ts'
import { MediaType } from '../oci/media-types.ts'
import type { BuiltStep, LayerBlob, Lease, Store } from '../store/types.ts'
import { imageDocument } from '../transfer/document.ts'
import { storeContent } from '../transfer/store-content.ts'
import { CACHE_CONFIG_TYPE, type CachedLayer, type CachedStep, encodeCache } from './document.ts'
import { type CachePlaces, type CacheWriter, openCacheWriter } from './places.ts'
import { type CacheToSpec, cacheName } from './spec.ts'

/** Layers that are on their way at the same time. */
const PARALLEL = 3

/** A cache as a build writes it: one OCI image manifest, whose layers are the steps' and whose config is their records. */
export function cacheTarget(places: CachePlaces, spec: CacheToSpec): CacheTarget {
  return new WrittenCache(places, spec)
}

class WrittenCache implements CacheTarget {
  readonly name: string
  readonly mode: CacheToSpec['mode']
  readonly compression: CacheToSpec['compression']
  readonly compressionLevel: CacheToSpec['compressionLevel']
  readonly ignoreError: boolean
  readonly #store: Store
  readonly #writer: () => Promise<CacheWriter>
  readonly #slot = slots(PARALLEL)
  readonly #steps = new Map<Digest, CachedStep>()
  readonly #layers = new Map<Digest, Descriptor>()
  readonly #sent = new Map<Digest, Promise<void>>()
  #opened: Promise<CacheWriter> | undefined

  constructor(places: CachePlaces, spec: CacheToSpec) {
    this.name = cacheName(spec.place)
    this.mode = spec.mode
    this.compression = spec.compression
    this.compressionLevel = spec.compressionLevel
    this.ignoreError = spec.ignoreError
    this.#store = places.store
    this.#writer = () => openCacheWriter(places, spec.place)
  }

  async add(step: SharedStep, layer: SharedLayer | undefined, signal: AbortSignal): Promise<void> {
    const { contentId: _, ...record } = step
    this.#steps.set(step.key, { ...record, layer: layer && cachedLayer(layer) })
    if (layer === undefined) return
    const descriptor = descriptorOf(layer.blob)
    this.#layers.set(descriptor.digest, descriptor)
    const sent = this.#sent.get(descriptor.digest) ?? this.#slot(() => this.#send(descriptor, signal))
    this.#sent.set(descriptor.digest, sent)
    await sent
  }

  async finish(built: readonly BuiltStep[], lease: Lease, signal: AbortSignal): Promise<void> {
    const { pusher } = await this.#open()
    const known = built.filter(({ key }) => this.#steps.has(key))
    const records = encodeCache({ steps: [...this.#steps.values()], built: known })
    if (records.byteLength > MAX_DOCUMENT_BYTES) {
      throw new ShaleError(
        'DOCUMENT_TOO_LARGE',
        `the records of ${this.#steps.size} steps have ${records.byteLength} bytes`,
      )
    }
    const config = await this.#store.blobs.put(lease, records)
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: { mediaType: CACHE_CONFIG_TYPE, ...config },
      layers: [...this.#layers.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1)),
    }
    const raw = Buffer.from(JSON.stringify(manifest))
    const { digest } = await this.#store.blobs.put(lease, raw)
    const document = imageDocument(raw, digest, MediaType.ociManifest)
    await pusher.push(document, storeFetcher(this.#store), signal)
    await pusher.finish(document)
  }

  async #send(descriptor: Descriptor, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const writer = await this.#open()
    await writer.send(descriptor, signal)
  }

  #open(): Promise<CacheWriter> {
    this.#opened ??= this.#writer()
    return this.#opened
  }
}

function cachedLayer({ record, blob }: SharedLayer): CachedLayer {
  const { diffId, contentId } = record
  if (diffId === undefined) throw new Error(`layer ${contentId} was not packed`)
  return { blob: blob.digest, diffId, contentId, packer: madeByPacker(blob.packer) }
}

function descriptorOf({ digest, size, mediaType, annotations }: LayerBlob): Descriptor {
  const some = annotations !== undefined && Object.keys(annotations).length > 0
  return { mediaType, digest, size, ...(some && { annotations }) }
}

/** There is nothing to look up: a cache has one document. */
function storeFetcher(store: Store): Fetcher {
  const document = async ({ digest }: Descriptor) => imageDocument(await store.blobs.read(digest), digest)
  return { ...storeContent(store), document }
}
