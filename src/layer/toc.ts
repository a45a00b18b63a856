import { type ByteString, comparePaths, type Entry } from './entry.ts'

/**
 * A layer's table of contents: every entry, sorted by path in byte order. A path's subtree is the path itself and one
 * contiguous run of entries that begin with `path/`.
 */
export interface Toc {
  readonly entries: readonly Entry[]
}

export const EMPTY_TOC: Toc = { entries: [] }

/** Sorts entries into a table; a later entry of the same path replaces an earlier one, as in a tar. */
export function tocOf(entries: Iterable<Entry>): Toc {
  const byPath = new Map<ByteString, Entry>()
  for (const entry of entries) byPath.set(entry.path, entry)
  return { entries: [...byPath.values()].sort((a, b) => comparePaths(a.path, b.path)) }
}

/** Index of the first entry whose path is not less than `path`. */
export function lowerBound(toc: Toc, path: ByteString): number {
  let low = 0
  let high = toc.entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((toc.entries[middle] as Entry).path < path) low = middle + 1
    else high = middle
  }
  return low
}

export function findEntry(toc: Toc, path: ByteString): Entry | undefined {
  const entry = toc.entries[lowerBound(toc, path)]
  return entry?.path === path ? entry : undefined
}

/** The entries strictly below `path`, in order; of the root: all but the root. */
export function below(toc: Toc, path: ByteString): readonly Entry[] {
  if (path === '') return toc.entries[0]?.path === '' ? toc.entries.slice(1) : toc.entries
  // '0' is the character after '/', so the run ends where that would begin.
  return toc.entries.slice(lowerBound(toc, `${path}/`), lowerBound(toc, `${path}0`))
}
