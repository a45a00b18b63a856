import { createHash } from 'node:crypto'
import { type ByteString, comparePaths } from '../../layer/entry.ts'
import type { Digest } from '../../oci/digest.ts'
import { FileStat, STAT_WORDS } from '../../store/file-stat.ts'

const DIRECTORY = 0o040000

/**
 * The nodes of a folder as rows, not as objects: row 0 is the folder itself, what is directly in a directory is one run
 * of rows, in the order in which the file system has it. A row without mode is left out.
 */
export class FileTable {
  #stats = new Uint32Array(256 * STAT_WORDS)
  #names = Buffer.alloc(8192)
  /** Of each row: the parent's row, where the name begins, where its children begin and end. */
  #links = new Uint32Array(256 * LINKS)
  #count = 0
  #nameEnd = 0
  /** Why directories could not be read. */
  readonly #failures = new Map<number, unknown>()

  /** Rows, those that are left out included. */
  get count(): number {
    return this.#count
  }

  /** For a reader to write the stat of the row that comes next, at `nextStat`. */
  get stats(): Uint32Array {
    return this.#stats
  }

  /** Makes room for one more row and says where its stat goes. */
  nextStat(): number {
    const row = this.#count
    if ((row + 1) * STAT_WORDS > this.#stats.length) {
      this.#stats = grown(this.#stats, new Uint32Array(this.#stats.length * 2))
      this.#links = grown(this.#links, new Uint32Array(this.#links.length * 2))
    }
    return row * STAT_WORDS
  }

  /** Adds the row whose stat was written. The name is bytes of `source` from `start` to before `end`. */
  add(parent: number, source: Uint8Array, start: number, end: number): number {
    const row = this.#count++
    const length = end - start
    if (this.#nameEnd + length > this.#names.length) {
      this.#names = grown(this.#names, Buffer.alloc(Math.max(this.#names.length * 2, this.#nameEnd + length)))
    }
    for (let i = start; i < end; i++) this.#names[this.#nameEnd++] = source[i] as number
    const at = row * LINKS
    this.#links[at] = parent
    this.#links[at + NAME_END] = this.#nameEnd
    return row
  }

  setChildren(row: number, first: number, end: number): void {
    this.#links[row * LINKS + FIRST] = first
    this.#links[row * LINKS + END] = end
  }

  leaveOut(row: number): void {
    this.#stats.fill(0, row * STAT_WORDS, (row + 1) * STAT_WORDS)
  }

  fail(row: number, reason: unknown): void {
    this.#failures.set(row, reason)
  }

  /** Why the directory could not be read; undefined when it was. */
  failure(row: number): unknown {
    return this.#failures.get(row)
  }

  isDirectory(row: number): boolean {
    return ((this.#stats[row * STAT_WORDS] as number) & 0o170000) === DIRECTORY
  }

  isLeftOut(row: number): boolean {
    return this.#stats[row * STAT_WORDS] === 0
  }

  stat(row: number): FileStat {
    return new FileStat(this.#stats, row * STAT_WORDS)
  }

  /** Of all files, in bytes. */
  size(): number {
    let sum = 0
    for (let row = 0; row < this.#count; row++) {
      if (!this.isLeftOut(row) && !this.isDirectory(row)) sum += this.stat(row).size
    }
    return sum
  }

  parent(row: number): number {
    return this.#links[row * LINKS] as number
  }

  name(row: number): ByteString {
    const start = row === 0 ? 0 : (this.#links[(row - 1) * LINKS + NAME_END] as number)
    return this.#names.toString('latin1', start, this.#links[row * LINKS + NAME_END])
  }

  /** First row of what is in the directory and the row after the last. */
  children(row: number): readonly [first: number, end: number] {
    return [this.#links[row * LINKS + FIRST] as number, this.#links[row * LINKS + END] as number]
  }

  /** Rows of what is in the directory, names in byte order. */
  sortedChildren(row: number): readonly number[] {
    const [first, end] = this.children(row)
    const found: { readonly row: number; readonly name: ByteString }[] = []
    for (let child = first; child < end; child++) {
      if (!this.isLeftOut(child)) found.push({ row: child, name: this.name(child) })
    }
    return found.sort((a, b) => comparePaths(a.name, b.name)).map(child => child.row)
  }

  /** True when every file and link can be known by its stat (see `trustworthy`) and every directory was read. */
  every(trusted: (stat: FileStat) => boolean): boolean {
    if (this.#failures.size > 0) return false
    for (let row = 0; row < this.#count; row++) {
      if (!this.isLeftOut(row) && !this.isDirectory(row) && !trusted(this.stat(row))) return false
    }
    return true
  }

  /**
   * Digest of all rows: equal when nothing was added, removed, renamed or changed. Of directories only name and mode
   * count: the rest changes with what is ignored in them.
   */
  fingerprint(): Digest {
    const stats = this.#stats.slice(0, this.#count * STAT_WORDS)
    for (let row = 0; row < this.#count; row++) {
      if (this.isDirectory(row)) stats.fill(0, row * STAT_WORDS + 1, (row + 1) * STAT_WORDS)
    }
    const hash = createHash('sha256')
    hash.update(stats)
    hash.update(this.#links.subarray(0, this.#count * LINKS))
    hash.update(this.#names.subarray(0, this.#nameEnd))
    return `sha256:${hash.digest('hex')}`
  }
}

const LINKS = 4
const NAME_END = 1
const FIRST = 2
const END = 3

function grown<T extends Uint32Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}
