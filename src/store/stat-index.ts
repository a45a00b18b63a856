import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../error.ts'
import type { Layout } from './layout.ts'
import { decodeStatIndex, encodeStatIndex, type StatEntry } from './stat-codec.ts'
import type { FileStat, StatIndex } from './types.ts'

/** Kernels stamp files with a clock that ticks every 1 to 10 ms; twice the coarsest. */
const TICK_NS = 20_000_000n
const SECOND_NS = 1_000_000_000n

/**
 * Whether a file that was read under this stat can be known by it later. `readAt` is the wall clock in ns from *before*
 * the stat was taken. A file changed within a clock tick of its last change can keep its ctime, so that a stat whose
 * ctime is that close to the read proves nothing. File systems that keep whole seconds need two of them.
 *
 * The rule is the reader's to apply, when it reads: only it knows `readAt`. It saves no entry that is not trustworthy;
 * the index believes what it is given.
 */
export function trustworthy(stat: FileStat, readAt: bigint): boolean {
  const wholeSeconds = stat.ctimeNs % SECOND_NS === 0n
  return stat.ctimeNs + (wholeSeconds ? 2n * SECOND_NS : TICK_NS) < readAt
}

/** The wall clock in ns since 1970, for `trustworthy`; exact to a millisecond, rounded down. */
export function wallClockNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

/** True when the two stats are of the same file in the same state. */
export function sameStat(a: FileStat, b: FileStat): boolean {
  return (
    a.ctimeNs === b.ctimeNs &&
    a.mtimeNs === b.mtimeNs &&
    a.size === b.size &&
    a.ino === b.ino &&
    a.mode === b.mode &&
    a.dev === b.dev
  )
}

export function createStatIndex(layout: Layout): StatIndex {
  return new FileStatIndex(layout)
}

/** One file for each context folder. An index that is missing, damaged or of another version is empty: a slow build. */
class FileStatIndex implements StatIndex {
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  load(folder: string): ReadonlyMap<string, StatEntry> {
    try {
      return decodeStatIndex(readFileSync(this.#path(folder))) ?? new Map()
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return new Map()
      throw error
    }
  }

  save(folder: string, entries: ReadonlyMap<string, StatEntry>): void {
    const path = this.#path(folder)
    const temp = join(this.#layout.temp, randomBytes(9).toString('hex'))
    try {
      writeFileSync(temp, encodeStatIndex(entries), { mode: 0o600 })
      renameSync(temp, path)
    } catch (error) {
      rmSync(temp, { force: true })
      throw error
    }
  }

  #path(folder: string): string {
    return join(this.#layout.statIndex, createHash('sha256').update(folder).digest('hex').slice(0, 32))
  }
}
