import { ShaleError } from '../error.ts'

/** One step of a pattern that stands for exactly one character, or for a run of them. */
type Step =
  | { readonly kind: 'star' }
  | { readonly kind: 'any' }
  | { readonly kind: 'literal'; readonly char: string }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }

function bad(pattern: string): never {
  throw new ShaleError('BAD_PATTERN', `syntax error in pattern ${JSON.stringify(pattern)}`, {
    hint: 'close every [ with ] and escape a literal one with a backslash',
  })
}

/** Reads one end of a character class's range. */
function classChar(chars: readonly string[], at: number, pattern: string): { char: string; next: number } {
  const first = chars[at]
  if (first === undefined || first === '-' || first === ']') return bad(pattern)
  const escaped = first === '\\'
  const char = escaped ? chars[at + 1] : first
  const next = at + (escaped ? 2 : 1)
  if (char === undefined || next >= chars.length) return bad(pattern)
  return { char, next }
}

function readClass(chars: readonly string[], open: number, pattern: string): { step: Step; next: number } {
  let at = open + 1
  const negated = chars[at] === '^'
  if (negated) at++
  const ranges: (readonly [string, string])[] = []
  while (chars[at] !== ']' || ranges.length === 0) {
    const low = classChar(chars, at, pattern)
    at = low.next
    let high = low.char
    if (chars[at] === '-') {
      const end = classChar(chars, at + 1, pattern)
      high = end.char
      at = end.next
    }
    ranges.push([low.char, high])
  }
  return { step: { kind: 'class', negated, ranges }, next: at + 1 }
}

function readPattern(pattern: string): readonly Step[] {
  const chars = [...pattern]
  const steps: Step[] = []
  let at = 0
  while (at < chars.length) {
    const char = chars[at]!
    if (char === '[') {
      const found = readClass(chars, at, pattern)
      steps.push(found.step)
      at = found.next
      continue
    }
    if (char === '*') {
      if (steps.at(-1)?.kind !== 'star') steps.push({ kind: 'star' })
    } else if (char === '?') steps.push({ kind: 'any' })
    else if (char === '\\') {
      const next = chars[++at]
      steps.push({ kind: 'literal', char: next ?? bad(pattern) })
    } else steps.push({ kind: 'literal', char })
    at++
  }
  return steps
}

function stepMatches(step: Step, char: string): boolean {
  switch (step.kind) {
    case 'literal':
      return char === step.char
    case 'any':
      return char !== '/'
    case 'class': {
      const code = char.codePointAt(0)!
      const inside = step.ranges.some(([low, high]) => low.codePointAt(0)! <= code && code <= high.codePointAt(0)!)
      // As in Go, a class may match the separator.
      return inside !== step.negated
    }
    case 'star':
      return false
  }
}

/** Matches with one point to come back to, the last star: linear in practice, never exponential. */
function matchSteps(steps: readonly Step[], chars: readonly string[]): boolean {
  let step = 0
  let at = 0
  let starStep = -1
  let starAt = 0
  while (at < chars.length || step < steps.length) {
    const current = steps[step]
    if (current?.kind === 'star') {
      starStep = step++
      starAt = at
      continue
    }
    const char = chars[at]
    if (current !== undefined && char !== undefined && stepMatches(current, char)) {
      step++
      at++
      continue
    }
    const eaten = chars[starAt]
    if (starStep === -1 || eaten === undefined || eaten === '/') return false
    starAt++
    at = starAt
    step = starStep + 1
  }
  return true
}

/** Throws `BAD_PATTERN` unless the pattern is well formed by the rules of Go's `filepath.Match`. */
export function checkGlob(pattern: string): void {
  readPattern(pattern)
}

/**
 * A test of whole paths by the rules of Go's `filepath.Match` on Unix: `*` and `?` do not match `/`, `[a-z]` and
 * `[^a-z]` are classes, `\` escapes. These are the wildcards of COPY and ADD sources. Throws `BAD_PATTERN`.
 *
 * @see https://pkg.go.dev/path/filepath#Match
 */
export function compileGlob(pattern: string): (path: string) => boolean {
  const steps = readPattern(pattern)
  return path => matchSteps(steps, [...path])
}

/** {@link compileGlob} for a single path. */
export function matchGlob(pattern: string, path: string): boolean {
  return compileGlob(pattern)(path)
}

/**
 * Like {@link compileGlob}, and a part of the path that is just `**` matches any number of parts, also none: the
 * wildcards of `COPY --parents`.
 */
export function compileGlobStar(pattern: string): (path: string) => boolean {
  const parts = pattern.split('/').map(part => (part === '**' ? undefined : readPattern(part)))
  return path =>
    matchParts(
      parts,
      path.split('/').map(part => [...part]),
    )
}

/** {@link compileGlobStar} for a single path. */
export function matchGlobStar(pattern: string, path: string): boolean {
  return compileGlobStar(pattern)(path)
}

function matchParts(
  patterns: readonly (readonly Step[] | undefined)[],
  parts: readonly (readonly string[])[],
): boolean {
  // reachable[n]: the patterns so far match the first n parts.
  let reachable = parts.map(() => false).concat(false)
  reachable[0] = true
  for (const pattern of patterns) {
    const next = reachable.map(() => false)
    let seen = false
    reachable.forEach((from, index) => {
      seen ||= from
      if (pattern === undefined) next[index] = seen
      else if (from && index < parts.length && matchSteps(pattern, parts[index]!)) next[index + 1] = true
    })
    reachable = next
  }
  return reachable.at(-1) === true
}

/** Whether a COPY source has wildcards; others name one path. */
export function hasWildcards(pattern: string): boolean {
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at]!
    if (char === '\\') at++
    else if (char === '*' || char === '?' || char === '[') return true
  }
  return false
}
