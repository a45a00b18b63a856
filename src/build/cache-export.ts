import type { BuiltStep, Lease, Store } from '../store/types.ts'
import { type BlobOptions, LayerBlobs, type Packing } from './layer-blobs.ts'
import type { CacheTarget, SharedStep } from './shared-cache.ts'
import type { ChainLayer, StageState } from './stage-state.ts'
import type { StepLog } from './steps.ts'

/** What writing caches works with. */
export interface CacheExportParts {
  readonly packing: Packing
  /** Those of the image, whose layers need no other packing for caches of the same compression. */
  readonly blobs: LayerBlobs
  readonly options: BlobOptions
  readonly steps: StepLog
  readonly signal: AbortSignal
  readonly warn: (message: string) => void
}

interface Target {
  readonly target: CacheTarget
  readonly blobs: LayerBlobs
}

/** Writes the steps of a build into the caches that were named, each step's layer as soon as it is packed. */
export class CacheExport {
  readonly #parts: CacheExportParts
  readonly #targets: readonly Target[]
  readonly #moving = new Map<CacheTarget, Promise<void>[]>()

  constructor(targets: readonly CacheTarget[], parts: CacheExportParts) {
    this.#parts = parts
    this.#targets = targets.map(target => ({ target, blobs: blobsFor(target, parts) }))
  }

  /** Notes the topmost step of a stage. */
  addTop(state: StageState, exported: boolean): void {
    const top = state.layers.at(-1)
    const step = top?.key === undefined ? undefined : sharedStep(this.#parts.packing.store, top)
    if (step === undefined) return
    for (const { target, blobs } of this.#targets) {
      if (!exported && target.mode === 'min') continue
      // As the step made it: which times an image gives the files is the image's.
      const layers = [...state.layers.slice(0, -1), { ...(top as ChainLayer), times: 'keep' as const }]
      this.#begin(target, async () => {
        const layer = await blobs.of(layers, layers.length - 1)
        await target.add({ ...step, contentId: layer.record.contentId }, layer, this.#parts.signal)
      })
    }
  }

  /** Notes a step without files. */
  add(step: SharedStep): void {
    for (const { target } of this.#targets) this.#begin(target, () => target.add(step, undefined, this.#parts.signal))
  }

  /** Throws for a cache that cannot be written, unless it says that this is no error. */
  async finish(built: readonly BuiltStep[], lease: Lease): Promise<void> {
    const { steps, signal, warn } = this.#parts
    for (const { target } of this.#targets) {
      const step = steps.add(`exporting cache to ${target.name}`)
      await steps.run(step, signal, async () => {
        try {
          await Promise.all(this.#moving.get(target) ?? [])
          await target.finish(built, lease, signal)
        } catch (error) {
          if (!target.ignoreError || signal.aborted) throw error
          warn(`the cache ${target.name} was not written: ${error instanceof Error ? error.message : String(error)}`)
        }
        return { value: undefined, status: 'ran' as const }
      })
    }
  }

  /** Waits for what is under way, whatever comes of it. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#moving.values()].flat())
    for (const { blobs } of this.#targets) if (blobs !== this.#parts.blobs) await blobs.close()
  }

  #begin(target: CacheTarget, work: () => Promise<void>): void {
    const begun = work()
    // `finish` throws it; until then it must not count as unhandled.
    begun.catch(() => {})
    this.#moving.set(target, [...(this.#moving.get(target) ?? []), begun])
  }
}

function blobsFor(target: CacheTarget, { packing, blobs, options }: CacheExportParts): LayerBlobs {
  const { compression = options.compression, compressionLevel } = target
  const same = compression === options.compression
  const level = compressionLevel ?? (same ? options.level : undefined)
  return same && level === options.level ? blobs : new LayerBlobs(packing, { compression, level })
}

function sharedStep(store: Store, { key }: ChainLayer): SharedStep | undefined {
  const record = key && store.cache.peek(key)
  if (record === undefined) return undefined
  const { title, kind, ingredients, createdAt, durationMs } = record
  return { key: record.key, title, kind, ingredients, createdAt, durationMs }
}
