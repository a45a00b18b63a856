import { sameStat, trustworthy, wallClockNs } from '../store/stat-index.ts'
import type { FileStat, StatIndex } from '../store/types.ts'
import type { HostStat } from './copy/source.ts'
import type { KnownDigests } from './hash-files.ts'

/** The stat index of one context folder: loaded when first asked, saved once at the end if anything was learned. */
export class FolderDigests implements KnownDigests {
  readonly #index: StatIndex
  readonly #folder: string
  #known: Map<string, { readonly stat: FileStat; readonly digest: string }> | undefined
  #learned = false
  /** Before any of the stats was taken. */
  readonly #readAt = wallClockNs()

  constructor(index: StatIndex, folder: string) {
    this.#index = index
    this.#folder = folder
  }

  find(path: string, stat: HostStat): string | undefined {
    const entry = this.#entries().get(path)
    return entry !== undefined && sameStat(entry.stat, stat) ? entry.digest : undefined
  }

  learn(path: string, stat: HostStat, digest: string): void {
    if (!trustworthy(stat, this.#readAt)) return
    this.#entries().set(path, { stat, digest })
    this.#learned = true
  }

  save(): void {
    if (this.#learned && this.#known !== undefined) this.#index.save(this.#folder, this.#known)
  }

  #entries(): Map<string, { readonly stat: FileStat; readonly digest: string }> {
    this.#known ??= new Map(this.#index.load(this.#folder))
    return this.#known
  }
}
