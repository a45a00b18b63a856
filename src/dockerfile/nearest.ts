/** Number of single-character edits (insert, remove, replace, swap neighbours) from `a` to `b`. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1
      let best = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + cost)
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, beforeLast[column - 2]! + 1)
      }
      current.push(best)
    }
    beforeLast = last
    last = current
  }
  return last[b.length]!
}

/** Edits that a mistyped word of this length may be away: two, fewer for words so short that anything would be near. */
function tolerance(length: number): number {
  if (length <= 4) return 1
  return length <= 8 ? 2 : 3
}

/** A word of three letters or more that lacks only its end, such as `tmp` of `tmpfs`, is nearer than its edits say. */
function isBeginning(typed: string, candidate: string): boolean {
  return typed.length >= 3 && candidate.length - typed.length <= 2 && candidate.startsWith(typed)
}

/** Edits between the two, or `least` when they are clearly as many. */
function editsWithin(least: number, typed: string, candidate: string): number {
  return Math.abs(candidate.length - typed.length) >= least ? least : distance(typed, candidate)
}

/**
 * The candidate that a mistyped word most likely meant, compared without regard to case; undefined when none is near
 * or when the word is itself a candidate. Of equally near ones the first wins.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const typed = word.toLowerCase()
  let found: string | undefined
  let least = tolerance(typed.length) + 1
  for (const candidate of candidates) {
    const lower = candidate.toLowerCase()
    if (candidate === word) return undefined
    const edits = isBeginning(typed, lower) ? 1 : editsWithin(least, typed, lower)
    if (edits < least && edits < Math.max(lower.length, typed.length)) {
      found = candidate
      least = edits
    }
  }
  return found
}
