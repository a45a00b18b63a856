import type { Document, LineCounter } from 'yaml'
import type * as z from 'zod/mini'
import { nearest } from '../dockerfile/nearest.ts'
import { ShaleError, type SourceLocation } from '../error.ts'

export type Path = readonly PropertyKey[]

/** A configuration file to be read, and how to complain about it. */
export interface YamlText {
  /** As messages name it. */
  readonly file: string
  readonly text: string
  readonly code: string
  /** Where its author finds what may stand there. */
  readonly hint: string
}

/** A configuration file that has been read. */
export interface YamlFile {
  /** Plain values; an empty object for an empty file. */
  readonly content: unknown
  /** Where the path's key, or the value without one, stands; the nearest thing around it if nowhere. */
  locate(path: Path): SourceLocation
  /** The error for a place in the file, which it names with its line. */
  fail(path: Path, why: string, cause?: unknown): ShaleError
}

/** Throws an error of the given code, with file and line, for what is no YAML. */
export async function parseYaml(given: YamlText): Promise<YamlFile> {
  // Most commands meet no such file, so that its parser is loaded only here.
  const { LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(given.text, { lineCounter: lines, prettyErrors: false })
  const [broken] = document.errors
  if (broken !== undefined) {
    const why = YAML_WORDS[broken.code] ?? broken.message.replace(/\s+/g, ' ')
    throw failure(given, locationOf(given, lines, broken.pos), why, broken)
  }
  const locate = (path: Path) => locationOf(given, lines, rangeOf(document, path))
  const fail = (path: Path, why: string, cause?: unknown) => failure(given, locate(path), why, cause)
  try {
    return { content: document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {}, locate, fail }
  } catch (cause) {
    throw fail([], (cause as Error).message, cause)
  }
}

/** How often one value may be used again: aliases of aliases unfold without end. */
const MAX_ALIASES = 10

/** What the YAML reader says to its programmer, for people. */
const YAML_WORDS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'the file is to be one document, but --- begins another',
}

/** A schema's complaint: the place and the words. `fields` are for "did you mean". */
export function complaint(issue: z.core.$ZodIssue | undefined, fields: readonly string[]): [path: Path, why: string] {
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    const near = nearest(key, fields)
    const mean = near === undefined ? '' : `, did you mean ${near}?`
    return [[...issue.path, key], `unknown field ${JSON.stringify(key)}${mean}`]
  }
  const why = issue?.code === 'invalid_key' ? issue.issues[0]?.message : issue?.message
  return [issue?.path ?? [], why ?? 'malformed']
}

function failure({ file, code, hint }: YamlText, source: SourceLocation, why: string, cause: unknown): ShaleError {
  return new ShaleError(code, `${file}:${source.range.start.line}: ${why}`, { source, hint, cause })
}

interface Ranged {
  readonly range?: readonly number[] | null
}

interface KeyedItems {
  readonly items?: readonly { readonly key?: Ranged & { readonly value?: unknown } }[]
}

function rangeOf(document: Document, path: Path): readonly [number, number] {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const pairs = (parent as KeyedItems | null | undefined)?.items ?? []
    const key = pairs.find(pair => pair?.key?.value === path[length - 1])?.key
    const node = key ?? (document.getIn(path.slice(0, length), true) as Ranged | undefined)
    const [start, end] = node?.range ?? []
    if (start !== undefined && end !== undefined) return [start, end]
  }
  return [0, 0]
}

function locationOf(
  { file, text }: YamlText,
  lines: LineCounter,
  [from, to]: readonly [number, number],
): SourceLocation {
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  return { file, text, range: { start: position(from), end: position(Math.max(from, to)) } }
}
