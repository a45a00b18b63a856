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
  /** Rows of the table that were found: 1. */
  #seen = new Uint8Array(0)
  readonly #read = new Map<ByteString, ReadFile>()
  /** Before any of the stats was taken. */
  readonly #readAt = Date.now()

  constructor(index: StatIndex, folder: string) {
    this.#index = index
    this.#folder = folder
  }

  find(path: ByteString, stat: FileStat): string | undefined {
    const read = this.#read.size === 0 ? undefined : this.#read.get(path)
    if (read?.stat.equals(stat)) return read.digest
    const row = this.#table().find(path, stat)
    if (row < 0) return undefined
    this.#seen[row] = 1
    return this.#table().digest(row)
  }

  learn(path: ByteString, stat: FileStat, digest: string): void {
    if (this.trusts(stat)) this.#read.set(path, { stat, digest })
  }

  trusts(stat: FileStat): boolean {
    return trustworthy(stat, this.#readAt)
  }

  save(): void {
    if (this.#read.size === 0) return
    const table = this.#table()
    this.#index.save(this.#folder, table.next(this.#seen, this.#read))
  }

  #table(): DigestTable {
    if (this.#known === undefined) {
      this.#known = this.#index.load(this.#folder)
      this.#seen = new Uint8Array(this.#known.count)
    }
    return this.#known
  }
}
