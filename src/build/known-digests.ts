import type { ByteString } from '../layer/entry.ts'
import type { DigestTable, ReadFile } from '../store/digest-table.ts'
import type { FileStat } from '../store/file-stat.ts'
import { trustworthy } from '../store/stat-index.ts'
import type { StatIndex } from '../store/types.ts'
import type { KnownDigests } from './hash-files.ts'

/** The stat index of one context folder: loaded when first asked, saved once at the end if anything was learned. */
export class FolderDigests implements KnownDigests {
  readonly #index: StatIndex
  readonly #folder: string
  #known: DigestTable | undefined
  readonly #seen = new Set<number>()
  readonly #read = new Map<ByteString, ReadFile>()
  /** Before any of the stats was taken. */
  readonly #readAt = Date.now()

  constructor(index: StatIndex, folder: string) {
    this.#index = index
    this.#folder = folder
  }

  find(path: ByteString, stat: FileStat): string | undefined {
    const read = this.#read.get(path)
    if (read?.stat.equals(stat)) return read.digest
    const row = this.#table().find(path, stat)
    if (row < 0) return undefined
    this.#seen.add(row)
    return this.#table().digest(row)
  }

  learn(path: ByteString, stat: FileStat, digest: string): void {
    if (this.trusts(stat)) this.#read.set(path, { stat, digest })
  }

  trusts(stat: FileStat): boolean {
    return trustworthy(stat, this.#readAt)
  }

  save(): void {
    if (this.#read.size > 0) this.#index.save(this.#folder, this.#table().next(this.#seen, this.#read))
  }

  #table(): DigestTable {
    this.#known ??= this.#index.load(this.#folder)
    return this.#known
  }
}
