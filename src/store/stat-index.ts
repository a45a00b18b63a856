import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { decodeMemos, encodeMemos } from './copy-memos.ts'
import { DigestTable } from './digest-table.ts'
import type { FileStat } from './file-stat.ts'
import type { Layout } from './layout.ts'
import type { StatIndex } from './types.ts'

/** Kernels stamp files with a clock that ticks every 1 to 10 ms; twice the coarsest. */
const TICK_MS = 20

/**
 * Whether a file that was read under this stat can be known by it later. `readAt` is the wall clock in ms from *before*
 * the stat was taken. A file changed within a clock tick of its last change can keep its ctime, so that a stat whose
 * ctime is that close to the read proves nothing. File systems that keep whole seconds need two of them.
 *
 * The rule is the reader's to apply, when it reads: only it knows `readAt`. It saves no entry that is not trustworthy;
 * the index believes what it is given.
 */
export function trustworthy(stat: FileStat, readAt: number): boolean {
  const wholeSeconds = stat.ctimeNs === 0
  return stat.ctime * 1000 + stat.ctimeNs / 1e6 + (wholeSeconds ? 2000 : TICK_MS) < readAt
}

export function createStatIndex(layout: Layout): StatIndex {
  return new FileStatIndex(layout)
}

/** Two files for each context folder. One that is missing, damaged or of another version is empty: a slow build. */
class FileStatIndex implements StatIndex {
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  load(folder: string): DigestTable {
    const bytes = readIfThere(this.#path(folder))
    return (bytes && DigestTable.decode(bytes)) ?? DigestTable.EMPTY
  }

  save(folder: string, digests: DigestTable): void {
    this.#write(this.#path(folder), digests.encode())
  }

  memos(folder: string): ReadonlyMap<Digest, Digest> {
    const bytes = readIfThere(`${this.#path(folder)}.copies`)
    return bytes === undefined ? new Map() : decodeMemos(bytes)
  }

  saveMemos(folder: string, memos: ReadonlyMap<Digest, Digest>): void {
    this.#write(`${this.#path(folder)}.copies`, encodeMemos(memos))
  }

  #write(path: string, bytes: Buffer): void {
    const temp = join(this.#layout.temp, randomBytes(9).toString('hex'))
    try {
      writeFileSync(temp, bytes, { mode: 0o600 })
      renameSync(temp, path)
    } catch (error) {
      rmSync(temp, { force: true })
      // It only makes the next build faster: a build that is done, or has an error of its own, does not fail for it.
      if (!isErrno(error, 'ENOSPC', 'EDQUOT')) throw error
    }
  }

  #path(folder: string): string {
    return join(this.#layout.statIndex, createHash('sha256').update(folder).digest('hex').slice(0, 32))
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
