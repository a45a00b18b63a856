import type { Toc } from '../layer/toc.ts'
import type { Digest } from '../oci/digest.ts'
import type { BuiltStep, CacheRecord, LayerRecord, Lease, Store } from '../store/types.ts'
import type { LayerWork } from './layer-work.ts'
import type { CacheSource, SharedCache, SharedStep } from './shared-cache.ts'
import type { StepLog } from './steps.ts'

/** What looking for recorded steps works with. */
export interface CacheImportParts {
  readonly store: Store
  readonly lease: Lease
  readonly layers: LayerWork
  readonly steps: StepLog
  readonly signal: AbortSignal
  readonly warn: (message: string) => void
}

/** What is known of a key. */
export interface FoundStep {
  /** Undefined when no such step is recorded, or its files cannot be had. */
  readonly hit: { readonly record: CacheRecord; readonly layer: LayerRecord | undefined } | undefined
  /** A record is there, but its files are not any more. */
  readonly dropped: boolean
}

/**
 * Finds recorded steps: in the store, else in the caches that were named. These are not opened before the store lacks
 * something, so that a build of hits asks nobody. One that fails is warned of, and the step runs.
 */
export class CacheImport {
  readonly #sources: readonly CacheSource[]
  readonly #parts: CacheImportParts
  #opened: Promise<void> | undefined
  readonly #caches = new Map<CacheSource, SharedCache>()
  readonly #coming = new Map<Digest, Promise<void>>()

  constructor(sources: readonly CacheSource[], parts: CacheImportParts) {
    this.#sources = sources
    this.#parts = parts
  }

  /** True when there is a cache besides the store. */
  get isNamed(): boolean {
    return this.#sources.length > 0
  }

  /** `atHand`: whoever asks has the files that the layer holds, so that the store need not. */
  async find(key: Digest, atHand = false): Promise<FoundStep> {
    const { store, lease } = this.#parts
    const own = store.cache.find(key, lease)
    const hit = own && this.#usable(own, atHand)
    if (hit !== undefined || !this.isNamed) return { hit, dropped: own !== undefined }
    const coming = this.#coming.get(key) ?? this.#bring(key)
    this.#coming.set(key, coming)
    await coming
    const record = store.cache.find(key, lease)
    return { hit: record && this.#usable(record, atHand), dropped: own !== undefined }
  }

  /** The steps of the build that wrote the first cache that has any. */
  async built(): Promise<readonly BuiltStep[]> {
    if (!this.isNamed) return []
    await this.#open()
    return [...this.#caches.values()].find(({ built }) => built.length > 0)?.built ?? []
  }

  /** A step of the caches that are open, as they tell it. */
  peek(key: Digest): SharedStep | undefined {
    for (const cache of this.#caches.values()) {
      const step = cache.peek(key)
      if (step !== undefined) return step
    }
    return undefined
  }

  /** What a step's layer holds, as a cache tells it; it only explains, so that a failure is no news. */
  async toc(key: Digest): Promise<Toc | undefined> {
    for (const cache of this.#caches.values()) {
      const toc = await cache.toc(key, this.#parts.signal).catch(() => undefined)
      if (toc !== undefined) return toc
    }
    return undefined
  }

  #usable(record: CacheRecord, atHand: boolean): FoundStep['hit'] {
    if (record.layerId === undefined) return { record, layer: undefined }
    const { store, layers } = this.#parts
    const layer = store.layers.byId(record.layerId)
    return layer !== undefined && (atHand || layers.isAvailable(layer)) ? { record, layer } : undefined
  }

  async #bring(key: Digest): Promise<void> {
    await this.#open()
    const { lease, signal, warn } = this.#parts
    for (const [source, cache] of this.#caches) {
      const step = cache.peek(key)
      if (step === undefined) continue
      try {
        return await cache.bring(key, lease, signal)
      } catch (error) {
        signal.throwIfAborted()
        warn(`the cache ${source.name} is of no use for "${step.title}": ${messageOf(error)}`)
      }
    }
  }

  #open(): Promise<void> {
    this.#opened ??= this.#openAll()
    return this.#opened
  }

  async #openAll(): Promise<void> {
    const opened = await Promise.all(this.#sources.map(source => this.#openOne(source)))
    for (const [at, cache] of opened.entries()) {
      if (cache !== undefined) this.#caches.set(this.#sources[at] as CacheSource, cache)
    }
  }

  #openOne(source: CacheSource): Promise<SharedCache | undefined> {
    const { steps, signal, warn } = this.#parts
    const step = steps.add(`importing cache manifest from ${source.name}`)
    return steps.run(step, signal, async () => {
      try {
        return { value: await source.open(signal), status: 'ran' as const }
      } catch (error) {
        signal.throwIfAborted()
        warn(`cannot use the cache ${source.name}: ${messageOf(error)}`)
        return { value: undefined, status: 'ran' as const }
      }
    })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
