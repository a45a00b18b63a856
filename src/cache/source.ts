import { receivedPacker } from '../build/layer-blobs.ts'
import type { CacheSource, SharedCache, SharedStep } from '../build/shared-cache.ts'
import type { ImageSource } from '../copy/types.ts'
import { ShaleError } from '../error.ts'
import { displayedToc } from '../layer/displayed-toc.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { MAX_DOCUMENT_BYTES, type Manifest } from '../oci/manifest.ts'
import { layerCompression } from '../oci/media-types.ts'
import { verified } from '../transfer/content-source.ts'
import { ingestLayer } from '../transfer/ingest.ts'
import { CACHE_CONFIG_TYPE, type CacheDocument, type CachedStep, decodeCache } from './document.ts'
import { type CachePlaces, openCachePlace } from './places.ts'
import { type CachePlace, cacheName } from './spec.ts'

/** A cache as a build takes steps from it. It is not asked before the build opens it. */
export function cacheSource(places: CachePlaces, place: CachePlace): CacheSource {
  return {
    name: cacheName(place),
    async open(signal) {
      const lease = places.store.lease(`read cache ${cacheName(place)}`)
      try {
        const source = await openCachePlace(places, place, lease, signal)
        return sharedCache(places, source, await readCache(source, signal))
      } finally {
        lease.end()
      }
    },
  }
}

interface OpenCache {
  readonly document: CacheDocument
  readonly layers: ReadonlyMap<Digest, Descriptor>
}

async function readCache(source: ImageSource, signal: AbortSignal): Promise<OpenCache> {
  const { parsed } = await source.resolve()
  const manifest = parsed.kind === 'manifest' ? parsed.manifest : undefined
  if (manifest?.config.mediaType !== CACHE_CONFIG_TYPE) throw foreign(manifest)
  const { config, layers } = manifest
  if (config.size > MAX_DOCUMENT_BYTES) {
    throw new ShaleError('DOCUMENT_TOO_LARGE', `the cache's records have ${config.size} bytes`)
  }
  const raw = await Array.fromAsync(verified(source, config, signal))
  return { document: decodeCache(Buffer.concat(raw)), layers: new Map(layers.map(layer => [layer.digest, layer])) }
}

function foreign(manifest: Manifest | undefined): ShaleError {
  const what = manifest === undefined ? 'an index' : JSON.stringify(manifest.artifactType ?? manifest.config.mediaType)
  return new ShaleError('CACHE_FOREIGN', `it is no cache of Shale but ${what}`)
}

function sharedCache({ store }: CachePlaces, source: ImageSource, { document, layers }: OpenCache): SharedCache {
  const steps = new Map(document.steps.map(step => [step.key, step]))
  return {
    built: document.built,
    peek: key => shared(steps.get(key)),
    async bring(key, lease, signal) {
      const step = steps.get(key)
      if (step === undefined) return
      const { layer, ...record } = step
      if (layer === undefined) return store.cache.put(lease, record)
      const descriptor = layers.get(layer.blob)
      if (descriptor === undefined) throw wrong(`its manifest lacks the layer ${layer.blob}`)
      const work = { store, lease, source, signal }
      const packed = { descriptor, diffId: layer.diffId, packer: receivedPacker(layer.packer) }
      const { id, contentId } = await ingestLayer(work, packed)
      checkContent(step, contentId)
      store.cache.put(lease, { ...record, layerId: id })
    },
    async toc(key, signal) {
      const blob = steps.get(key)?.layer?.blob
      const descriptor = blob && layers.get(blob)
      if (descriptor === undefined || layerCompression(descriptor.mediaType) !== 'zstd') return undefined
      return await displayedToc(descriptor.annotations, from => source.stream(descriptor, signal, from))
    },
  }
}

function shared(step: CachedStep | undefined): SharedStep | undefined {
  return step && { ...step, contentId: step.layer?.contentId }
}

/** What a COPY writes is what it is keyed on, so that no cache can give it other files. */
function checkContent({ ingredients, layer }: CachedStep, contentId: Digest): void {
  const [first] = ingredients
  const keyed = ingredients.length === 1 && first?.name === 'files' ? first.value : contentId
  if (contentId === layer?.contentId && contentId === keyed) return
  throw wrong(`its layer ${layer?.blob} holds other files than its record says`)
}

function wrong(why: string): ShaleError {
  return new ShaleError('CACHE_DAMAGED', why)
}
