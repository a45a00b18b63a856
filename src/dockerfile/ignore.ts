import { posix } from 'node:path'
import { ShaleError } from '../error.ts'
import type { SourceFile } from './failure.ts'
import { type CompiledPattern, compilePattern } from './ignore-pattern.ts'
import { trim } from './space.ts'

/** A line of a .dockerignore. */
export interface IgnorePattern {
  /** Cleaned: relative, without `!`, `./` and trailing slash. */
  readonly pattern: string
  /** Written with `!`: what matches is kept after all. */
  readonly negated: boolean
  /** 1-based. */
  readonly line: number
  /** The line as written. */
  readonly raw: string
}

/** Go's `filepath.Clean`. */
function clean(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}

function fromLine(raw: string, line: number): IgnorePattern | undefined {
  const text = trim(raw)
  if (raw.startsWith('#') || text === '') return undefined
  const negated = text.startsWith('!')
  const written = negated ? trim(text.slice(1)) : text
  const cleaned = written === '' ? '' : clean(written)
  const pattern = cleaned.length > 1 && cleaned.startsWith('/') ? cleaned.slice(1) : cleaned
  return { pattern, negated, line, raw }
}

/**
 * Reads a .dockerignore: one pattern a line, `#` at the very start of a line for a comment, `!` for an exception; a
 * leading `/` means nothing.
 *
 * @see https://docs.docker.com/build/concepts/context/#dockerignore-files
 */
export function parseIgnoreFile(text: string): readonly IgnorePattern[] {
  return text
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((raw, index) => fromLine(raw.replace(/\r$/, ''), index + 1))
    .filter(pattern => pattern !== undefined)
}

/** Patterns given one by one, such as those of `COPY --exclude`; a leading `/` stays, and so matches nothing. */
export function ignorePatterns(patterns: readonly string[]): readonly IgnorePattern[] {
  return patterns
    .map((raw, index) => ({ raw, line: index + 1, text: trim(raw) }))
    .filter(({ text }) => text !== '')
    .map(({ raw, line, text }) => {
      const cleaned = clean(text)
      const negated = cleaned.startsWith('!')
      return { pattern: negated ? cleaned.slice(1) : cleaned, negated, line, raw }
    })
}

/** What the patterns say of a path. */
export interface IgnoreMatch {
  readonly ignored: boolean
  /** The last pattern that matches the path or one of its parents, which is the one that decides. */
  readonly pattern?: IgnorePattern | undefined
}

interface Rule extends CompiledPattern {
  readonly index: number
  readonly match: IgnoreMatch
}

/** What is known of a directory before its entries are looked at. */
export interface IgnoreDirectory {
  /** What the patterns say of the directory itself. */
  readonly match: IgnoreMatch
  /** Everything below is ignored as well: no exception reaches in, the walk may leave it out. */
  readonly skip: boolean
  /** Nothing below needs matching: every entry fares as the directory. */
  readonly settled: boolean
  /** Path with a trailing slash, `''` for the root. */
  readonly prefix: string
  readonly depth: number
  /** Rules that may still change something below, the last one first. */
  readonly rules: readonly Rule[]
}

const KEPT: IgnoreMatch = { ignored: false }

export interface IgnoreOptions {
  /** Paths and names to be matched are byte strings (one latin1 character for each byte) instead of text. */
  readonly bytes?: boolean | undefined
  /** The file that the patterns are from, for errors to point into. */
  readonly source?: SourceFile | undefined
}

/**
 * Decides which paths a list of patterns ignores: the last pattern that matches a path or any of its parents wins, as
 * in moby/patternmatcher. Serves .dockerignore files and `COPY --exclude`. For a walk, go from {@link root} with
 * {@link enter} and {@link test}, which carry over what was found for the parent; for single paths, use {@link match}.
 */
export class IgnoreMatcher {
  readonly root: IgnoreDirectory
  readonly #bytes: boolean

  constructor(patterns: readonly IgnorePattern[], { bytes = false, source }: IgnoreOptions = {}) {
    this.#bytes = bytes
    const rules = patterns.map((pattern, index) => rule(pattern, index, source)).reverse()
    this.root = directory('', 0, KEPT, rules)
  }

  /** What the patterns say of a path, given relative to the context; parts `.` and a trailing slash mean nothing. */
  match(path: string): IgnoreMatch {
    const cleaned = clean(path)
    if (cleaned === '.') return KEPT
    const parts = cleaned === '/' ? [''] : cleaned.split('/')
    const name = parts.pop()!
    let parent = this.root
    for (const part of parts) parent = this.enter(parent, part)
    return this.test(parent, name)
  }

  /** Whether nothing of a path, or of the whole context for `.`, is left. */
  excludes(path: string): boolean {
    if (clean(path) !== '.') return this.match(path).ignored
    // From the last line up: an exception brings something back.
    for (const { match } of this.root.rules) {
      if (!match.ignored) return false
      if (match.pattern?.pattern === '*' || match.pattern?.pattern === '**') return true
    }
    return false
  }

  /** What the patterns say of an entry of a directory. */
  test(parent: IgnoreDirectory, name: string): IgnoreMatch {
    return parent.settled ? parent.match : decide(parent, this.#text(name))
  }

  /** The state for the entries of a directory that is itself an entry of `parent`. */
  enter(parent: IgnoreDirectory, name: string): IgnoreDirectory {
    const text = this.#text(name)
    const match = parent.settled ? parent.match : decide(parent, text)
    return directory(`${parent.prefix}${text}/`, parent.depth + 1, match, parent.rules)
  }

  #text(name: string): string {
    return this.#bytes && /[\x80-\xff]/.test(name) ? Buffer.from(name, 'latin1').toString('utf8') : name
  }
}

function rule(pattern: IgnorePattern, index: number, source: SourceFile | undefined): Rule {
  const location = source && {
    ...source,
    range: { start: { line: pattern.line, column: 1 }, end: { line: pattern.line, column: pattern.raw.length + 1 } },
  }
  if (pattern.negated && pattern.pattern === '') {
    const hint = 'write the path to keep after the !'
    throw new ShaleError('BAD_PATTERN', 'illegal exclusion pattern: "!"', { hint, source: location })
  }
  try {
    return { ...compilePattern(pattern.pattern), index, match: { ignored: !pattern.negated, pattern } }
  } catch (error) {
    if (!(error instanceof ShaleError)) throw error
    throw new ShaleError(error.code, error.message, { hint: error.hint, cause: error, source: location })
  }
}

function decide(parent: IgnoreDirectory, name: string): IgnoreMatch {
  let path: string | undefined
  for (const { matchesName, matches, match } of parent.rules) {
    if (matchesName === undefined) path ??= parent.prefix + name
    if (matchesName === undefined ? matches(path!) : matchesName(name)) return match
  }
  return parent.match
}

/** Rules before the one that decided cannot change anything below, nor can those that match no path there. */
function directory(prefix: string, depth: number, match: IgnoreMatch, rules: readonly Rule[]): IgnoreDirectory {
  const live: Rule[] = []
  for (const candidate of rules) {
    if (candidate.match === match) break
    if (candidate.canMatchBelow(prefix, depth)) live.push(candidate)
  }
  const changes = live.some(candidate => candidate.match.ignored !== match.ignored)
  return { match, prefix, depth, rules: live, settled: !changes, skip: match.ignored && !changes }
}
