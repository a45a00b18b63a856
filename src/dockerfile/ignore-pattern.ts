import { ShaleError } from '../error.ts'
import { checkGlob } from './glob.ts'
import { linearMatcher, mayBacktrack } from './linear-match.ts'

/** How a pattern is matched against a path, from cheapest to dearest. */
export type PatternForm =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'prefix'; readonly text: string }
  | { readonly kind: 'suffix'; readonly text: string }
  | { readonly kind: 'regexp'; readonly regexp: RegExp; readonly pieces: readonly string[] }

/** A pattern ready to be matched; the same decisions as moby/patternmatcher makes. */
export interface CompiledPattern {
  readonly form: PatternForm
  // A line comment, as the pattern in it would end a block comment: `**/*.log` needs only the last part of a path.
  readonly matchesName: ((name: string) => boolean) | undefined
  readonly matches: (path: string) => boolean
  /** Whether a path below a directory can match; `directory` ends with `/`, `depth` is its number of parts. */
  readonly canMatchBelow: (directory: string, depth: number) => boolean
}

const LITERAL = /^[^*?[\]\\]*/
const ESCAPED = '.+()|{}$'

class PatternTranslator {
  readonly #pieces: string[] = []
  #kind: PatternForm['kind'] = 'exact'
  readonly #chars: readonly string[]

  constructor(pattern: string) {
    this.#chars = [...pattern]
  }

  translate(): { kind: PatternForm['kind']; pieces: readonly string[] } {
    for (let at = 0; at < this.#chars.length; at++) at = this.#char(at)
    return { kind: this.#kind, pieces: this.#pieces }
  }

  /** Translates what begins at `at`; gives the place of the last character used. */
  #char(at: number): number {
    const char = this.#chars[at]!
    if (char === '*' && this.#chars[at + 1] === '*') return this.#doubleStar(at)
    if (char === '*') this.#wild('[^/]*')
    else if (char === '?') this.#wild('[^/]')
    else if (char === '[' || char === ']') this.#wild(char)
    else if (ESCAPED.includes(char)) this.#pieces.push(`\\${char}`)
    else if (char === '\\' && at + 1 < this.#chars.length) {
      this.#wild(`\\${this.#chars[at + 1]}`)
      return at + 1
    } else this.#pieces.push(char)
    return at
  }

  #wild(regexp: string): void {
    this.#pieces.push(regexp)
    this.#kind = 'regexp'
  }

  /** `**` matches any number of parts; a slash after it belongs to it. */
  #doubleStar(at: number): number {
    const last = this.#chars[at + 2] === '/' ? at + 2 : at + 1
    if (last + 1 < this.#chars.length) this.#wild('(.*/)?')
    else if (this.#kind === 'exact') this.#kind = 'prefix'
    else this.#wild('.*')
    if (at === 0) this.#kind = 'suffix'
    return last
  }
}

/** Unicode mode first, so that `?` takes whole characters; it knows fewer escapes, hence the second try. */
function compileRegexp(source: string, pattern: string): RegExp {
  for (const flags of ['su', 's']) {
    try {
      return new RegExp(source, flags)
    } catch {}
  }
  throw new ShaleError('BAD_PATTERN', `syntax error in pattern ${JSON.stringify(pattern)}`)
}

function formOf(pattern: string): PatternForm {
  const { kind, pieces } = new PatternTranslator(pattern).translate()
  switch (kind) {
    case 'exact':
      return { kind, text: pattern }
    case 'prefix':
      return { kind, text: pattern.slice(0, -2) }
    case 'suffix':
      return { kind, text: pattern.slice(2) }
    case 'regexp':
      return { kind, pieces, regexp: compileRegexp(`^${pieces.join('')}$`, pattern) }
  }
}

function matcherOf(form: PatternForm): (path: string) => boolean {
  switch (form.kind) {
    case 'exact':
      return path => path === form.text
    case 'prefix':
      return path => path.startsWith(form.text)
    case 'suffix': {
      const { text } = form
      const whole = text.startsWith('/') ? text.slice(1) : undefined
      return path => path.endsWith(text) || path === whole
    }
    case 'regexp':
      return mayBacktrack(form.pieces) ? linearMatcher(form.pieces) : path => form.regexp.test(path)
  }
}

// For `**/part` and `**part`, where only the last part of a path counts.
function nameMatcher(pattern: string): CompiledPattern['matchesName'] {
  // A class of letters and digits cannot match a slash; of others that is not so plain.
  const part = /^\*\*(\/?(?:[^/[\]\\]|\[[\w-]+\])+)$/.exec(pattern)?.[1]
  if (part === undefined || part.includes('**') || /\[-|-\]/.test(part)) return undefined
  if (!part.startsWith('/')) return /[*?[]/.test(part) ? undefined : name => name.endsWith(part)
  const name = part.slice(1)
  if (!/[*?[]/.test(name)) return text => text === name
  const [start, end] = [name.slice(0, -1), name.slice(1)]
  if (/^\*[^*?[]+$/.test(name)) return text => text.endsWith(end)
  if (/^[^*?[]+\*$/.test(name)) return text => text.startsWith(start)
  return matcherOf(formOf(name))
}

function reachOf(pattern: string, form: PatternForm): CompiledPattern['canMatchBelow'] {
  if (form.kind === 'suffix') return () => true
  const literal = form.kind === 'regexp' ? LITERAL.exec(pattern)![0] : form.text
  // Classes and escapes might match a slash, so that counting parts says nothing.
  const parts = form.kind === 'prefix' || /\*\*|[[\]\\]/.test(pattern) ? Infinity : pattern.split('/').length
  return (directory, depth) => depth < parts && (literal.startsWith(directory) || directory.startsWith(literal))
}

/** Compiles a cleaned pattern (no `!`, no trailing slash); throws `BAD_PATTERN`. */
export function compilePattern(pattern: string): CompiledPattern {
  checkGlob(pattern)
  const form = formOf(pattern)
  return { form, matches: matcherOf(form), matchesName: nameMatcher(pattern), canMatchBelow: reachOf(pattern, form) }
}
