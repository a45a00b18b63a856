import type { Digest } from '../oci/digest.ts'
import type { StatIndex } from '../store/types.ts'
import type { ChainLayer } from './stage-state.ts'

/** What COPY steps made of a context folder in earlier builds: loaded when first asked, saved once at the end. */
export class KnownCopies {
  readonly #index: StatIndex
  readonly #folder: string
  #known: ReadonlyMap<Digest, Digest> | undefined
  readonly #learned = new Map<Digest, Digest>()
  /** How to plan the layers that were taken without being planned, by the layer's number. */
  readonly #plans = new Map<number, () => Promise<void>>()

  constructor(index: StatIndex, folder: string) {
    this.#index = index
    this.#folder = folder
  }

  /** Content ID of the layer. */
  find(key: Digest): Digest | undefined {
    return this.#load().get(key)
  }

  learn(key: Digest, contentId: Digest): void {
    if (this.#load().get(key) !== contentId) this.#learned.set(key, contentId)
  }

  save(): void {
    if (this.#learned.size === 0) return
    const older = [...this.#load()].filter(([key]) => !this.#learned.has(key))
    this.#index.saveMemos(this.#folder, new Map([...this.#learned, ...older]))
  }

  /** Notes a layer that was taken without planning it; `plan` says where its files are. */
  setUnplanned(layer: number, plan: () => Promise<void>): void {
    this.#plans.set(layer, plan)
  }

  /** Plans what was not, so that files of the layers can be read where a COPY reads them. */
  async plan(layers: readonly ChainLayer[]): Promise<void> {
    for (const { record } of layers) {
      const plan = this.#plans.get(record.id)
      this.#plans.delete(record.id)
      await plan?.()
    }
  }

  #load(): ReadonlyMap<Digest, Digest> {
    this.#known ??= this.#index.memos(this.#folder)
    return this.#known
  }
}
