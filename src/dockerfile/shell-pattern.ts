import { Failure } from './failure.ts'

/** What stands for one character of a value, or for a run of them. Neither wildcard matches a newline. */
type Step = { readonly kind: 'star' } | { readonly kind: 'any' } | { readonly kind: 'char'; readonly char: string }

/** Reads a shell pattern: `*`, `?` and `\` escapes; no brackets. */
function readPattern(pattern: string): readonly Step[] {
  const chars = [...pattern]
  const steps: Step[] = []
  for (let index = 0; index < chars.length; index++) {
    const char = chars[index]!
    if (char === '*') steps.push({ kind: 'star' })
    else if (char === '?') steps.push({ kind: 'any' })
    else if (char !== '\\') steps.push({ kind: 'char', char })
    else {
      const next = chars[index + 1]
      // `}` and `/` must be escaped to stand inside ${}; the escape is no part of the pattern.
      if (next === '}' || next === '/') continue
      if (next !== '*' && next !== '?' && next !== '\\') {
        const problem = next === undefined ? 'trailing escape' : `invalid escape '\\${next}'`
        throw new Failure('DOCKERFILE_EXPANSION', `invalid pattern (${pattern}) in substitution: ${problem}`)
      }
      steps.push({ kind: 'char', char: next })
      index++
    }
  }
  return steps
}

/** Adds a step to those that may come next, and those behind stars, which may match nothing. */
function reach(steps: readonly Step[], step: number, next: Set<number>): void {
  for (let at = step; !next.has(at); at++) {
    next.add(at)
    if (steps[at]?.kind !== 'star') return
  }
}

/**
 * Where a match that begins at `from` ends: the last such place, or with `shortest` the first; undefined if there is
 * none. All ways to match are followed at once, so that no pattern takes exponential time.
 */
function matchEnd(
  steps: readonly Step[],
  chars: readonly string[],
  from: number,
  shortest: boolean,
): number | undefined {
  let active = new Set<number>()
  reach(steps, 0, active)
  let end: number | undefined
  for (let at = from; ; at++) {
    if (active.has(steps.length)) {
      end = at
      if (shortest) return end
    }
    const char = chars[at]
    if (char === undefined || active.size === 0) return end
    const next = new Set<number>()
    for (const index of active) {
      const step = steps[index]
      if (step?.kind === 'char' ? step.char === char : step !== undefined && char !== '\n') {
        reach(steps, step?.kind === 'star' ? index : index + 1, next)
      }
    }
    active = next
  }
}

/** `value` without its shortest (or, if greedy, longest) beginning that matches the pattern: `${x#p}`, `${x##p}`. */
export function trimPrefix(pattern: string, value: string, greedy: boolean): string {
  const chars = [...value]
  return chars.slice(matchEnd(readPattern(pattern), chars, 0, !greedy) ?? 0).join('')
}

/** `value` without its shortest (or, if greedy, longest) ending that matches the pattern: `${x%p}`, `${x%%p}`. */
export function trimSuffix(pattern: string, value: string, greedy: boolean): string {
  const chars = [...value].reverse()
  const end = matchEnd(readPattern(pattern).toReversed(), chars, 0, !greedy) ?? 0
  return chars.slice(end).reverse().join('')
}

/** `value` with the first match of the pattern replaced, or all of them: `${x/p/r}`, `${x//p/r}`. */
export function replace(pattern: string, value: string, replacement: string, all: boolean): string {
  const steps = readPattern(pattern)
  const chars = [...value]
  let out = ''
  let at = 0
  let matched = -1
  while (at <= chars.length) {
    const end = matchEnd(steps, chars, at, false)
    // A match of nothing right behind another match is none, as in Go.
    if (end !== undefined && !(end === at && matched === at)) {
      out += replacement
      matched = end
      if (!all) return out + chars.slice(end).join('')
    }
    if (end === undefined || end === at) out += chars[at++] ?? ''
    else at = end
  }
  return out
}
