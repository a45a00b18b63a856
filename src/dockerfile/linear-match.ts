/** What matches a stretch of a path; the pieces that `ignore-pattern.ts` makes regular expressions of. */
type Token =
  /** Any number of characters, slashes among them or not. */
  | { readonly kind: 'run'; readonly slashes: boolean }
  /** Nothing, or whole parts of a path with the slash behind them. */
  | { readonly kind: 'parts' }
  | { readonly kind: 'one'; readonly test: (char: string) => boolean }

const WILD: ReadonlyMap<string, Token> = new Map<string, Token>([
  ['[^/]*', { kind: 'run', slashes: false }],
  ['.*', { kind: 'run', slashes: true }],
  ['(.*/)?', { kind: 'parts' }],
])

/** A class is several pieces, from `[` to `]`. */
function joinClasses(pieces: readonly string[]): readonly string[] {
  const joined: string[] = []
  let open = false
  for (const piece of pieces) {
    if (open) joined[joined.length - 1] += piece
    else joined.push(piece)
    if (piece === '[') open = true
    if (piece === ']') open = false
  }
  return joined
}

function tokenOf(piece: string): Token {
  const wild = WILD.get(piece)
  if (wild !== undefined) return wild
  if ([...piece].length === 1) return { kind: 'one', test: char => char === piece }
  const expression = new RegExp(`^${piece}$`, 's')
  return { kind: 'one', test: char => expression.test(char) }
}

/** Adds a state and those that are reached from it without reading: states are tokens, `parts` has one of its own inside. */
function reach(tokens: readonly Token[], state: number, into: Set<number>): void {
  for (let at = state; !into.has(at); at++) {
    into.add(at)
    const kind = tokens[at]?.kind
    if (kind === 'parts') into.add(-at - 1)
    if (kind !== 'parts' && kind !== 'run') return
  }
}

function read(tokens: readonly Token[], state: number, char: string, into: Set<number>): void {
  if (state < 0) {
    into.add(state)
    if (char === '/') reach(tokens, -state, into)
    return
  }
  const token = tokens[state]
  if (token?.kind === 'run' && (token.slashes || char !== '/')) reach(tokens, state, into)
  if (token?.kind === 'one' && token.test(char)) reach(tokens, state + 1, into)
}

/**
 * Matches by following all ways at once: slower than a regular expression on ordinary patterns, but in time that grows
 * with pattern × path whatever the pattern. `pieces` put together would be the regular expression.
 */
export function linearMatcher(pieces: readonly string[]): (path: string) => boolean {
  const tokens = joinClasses(pieces).map(tokenOf)
  return path => {
    let states = new Set<number>()
    reach(tokens, 0, states)
    for (const char of path) {
      const next = new Set<number>()
      for (const state of states) read(tokens, state, char, next)
      if (next.size === 0) return false
      states = next
    }
    return states.has(tokens.length)
  }
}

/** Whether a regular expression of these pieces might take more than a short time on a long path. */
export function mayBacktrack(pieces: readonly string[]): boolean {
  return pieces.filter(piece => WILD.has(piece)).length > 4
}
