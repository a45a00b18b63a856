import type { SourceRange } from '../error.ts'
import { Failure } from './failure.ts'
import { type PhysicalLine, physicalLines } from './source.ts'
import { trimStart } from './space.ts'

export type DirectiveName = 'syntax' | 'escape' | 'check'

/** A parser directive: a comment `# name=value` at the top of the file that changes how the file is read. */
export interface Directive {
  readonly name: DirectiveName
  readonly value: string
  /** The value, in the file. */
  readonly range: SourceRange
}

const DIRECTIVE = /^([a-zA-Z][a-zA-Z0-9]*)\s*=(.+)$/
const NAMES: ReadonlySet<string> = new Set<DirectiveName>(['syntax', 'escape', 'check'])

function isDirectiveName(name: string): name is DirectiveName {
  return NAMES.has(name)
}

function readDirective(line: PhysicalLine, prefix: string): Directive | undefined {
  const text = trimStart(line.text)
  if (!text.startsWith(prefix)) return undefined
  const body = trimStart(text.slice(prefix.length))
  const match = DIRECTIVE.exec(body)
  const name = match?.[1]?.toLowerCase()
  if (match === null || name === undefined || !isDirectiveName(name)) return undefined
  const value = match[2]!.trim()
  if (value === '') return undefined
  const column = line.text.length - body.length + body.lastIndexOf(value) + 1
  const position = { line: line.number, column }
  return { name, value, range: { start: position, end: { ...position, column: column + value.length } } }
}

/** The directives at the top of a file; they end at the first line that is none. Throws when one is repeated. */
export function readDirectives(lines: readonly PhysicalLine[], prefix = '#'): readonly Directive[] {
  const found: Directive[] = []
  for (const line of lines) {
    const directive = readDirective(line, prefix)
    if (directive === undefined) break
    if (found.some(({ name }) => name === directive.name)) {
      const message = `only one ${directive.name} parser directive can be used`
      throw new Failure('DOCKERFILE_DIRECTIVE', message, directive.range, 'remove one of the two')
    }
    found.push(directive)
  }
  return found
}

/** The escape character that the directives ask for. */
export function escapeOf(directives: readonly Directive[]): '\\' | '`' {
  const directive = directives.find(({ name }) => name === 'escape')
  if (directive === undefined || directive.value === '\\') return '\\'
  if (directive.value === '`') return '`'
  const message = `invalid escape token '${directive.value.slice(0, 100)}' does not match \` or \\`
  throw new Failure('DOCKERFILE_DIRECTIVE', message, directive.range, 'write # escape=` or # escape=\\')
}

export interface Detected {
  /** The value's first word, for `syntax` the reference of the frontend image. */
  readonly ref: string
  /** The whole value. */
  readonly commandLine: string
  /** 1-based. */
  readonly line: number
}

/**
 * Finds a directive in any text that may name its own syntax: after a `#!` line too, with `anyFormat` also as
 * `// name=value` and as a key of a JSON object.
 */
export function detectDirective(name: DirectiveName, source: string, anyFormat = false): Detected | undefined {
  const text = source.replace(/^\ufeff/, '')
  const lines = physicalLines(text)
  const body = text.startsWith('#!') ? lines.slice(1) : lines
  for (const prefix of anyFormat ? ['#', '//'] : ['#']) {
    const directive = readLeniently(body, prefix).find(found => found.name === name)
    if (directive === undefined) continue
    const ref = directive.value.split(' ')[0]!
    return { ref, commandLine: directive.value, line: directive.range.start.line }
  }
  const value = anyFormat ? jsonMember(text, name) : undefined
  return value === undefined ? undefined : { ref: value, commandLine: value, line: 1 }
}

function readLeniently(lines: readonly PhysicalLine[], prefix: string): readonly Directive[] {
  const found: Directive[] = []
  for (const line of lines) {
    const directive = readDirective(line, prefix)
    if (directive === undefined || found.some(({ name }) => name === directive.name)) break
    found.push(directive)
  }
  return found
}

function jsonMember(text: string, name: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const member: unknown = Object.entries(value).find(([key]) => key === name)?.[1]
    return typeof member === 'string' ? member : undefined
  } catch {
    return undefined
  }
}

/** The image that is to parse this text (`# syntax=…`), if it names one. */
export function detectSyntax(text: string): Detected | undefined {
  return detectDirective('syntax', text, true)
}
