import type { Document, LineCounter } from 'yaml'
import type * as z from 'zod/mini'
import { nearest } from '../../../dockerfile/nearest.ts'
import { ShaleError, type SourceLocation } from '../../../error.ts'
// It gives zod its messages.
import '../../../oci/manifest.ts'

type Path = readonly PropertyKey[]

/** A configuration file that has been read, and how to complain about a place in it. */
export interface ConfigDocument<T> {
  readonly value: T
  /** `REGISTRY_CONFIG`, with file and line. */
  readonly fail: (path: Path, why: string) => ShaleError
}

/** Reads YAML of the schema's shape. `fields` are for "did you mean". Throws `REGISTRY_CONFIG` and names file and line. */
export async function parseConfig<T>(
  file: string,
  text: string,
  schema: z.ZodMiniType<T>,
  fields: readonly string[],
): Promise<ConfigDocument<T>> {
  const { LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const complain = (why: string, range: readonly [number, number]) => {
    const source = locate({ file, text }, lines, range)
    const message = `${file}:${source.range.start.line}: ${why}`
    return new ShaleError('REGISTRY_CONFIG', message, { source, hint: 'docs/registry.md shows what may stand there' })
  }
  const [error] = document.errors
  if (error !== undefined) throw complain(error.message.replace(/\s+/g, ' '), error.pos)
  const fail = (path: Path, why: string) => complain(why, rangeOf(document, path))
  const result = schema.safeParse(plainValues(document, fail))
  if (!result.success) throw fail(...complaint(result.error.issues[0], fields))
  return { value: result.data, fail }
}

function plainValues(document: Document, fail: (path: Path, why: string) => ShaleError): unknown {
  try {
    return document.toJS({ maxAliasCount: 10 }) ?? {}
  } catch (error) {
    throw fail([], (error as Error).message)
  }
}

function complaint(issue: z.core.$ZodIssue | undefined, fields: readonly string[]): [path: Path, why: string] {
  if (issue?.code !== 'unrecognized_keys') return [issue?.path ?? [], issue?.message ?? 'malformed']
  const [key = ''] = issue.keys
  const near = nearest(key, fields)
  const mean = near === undefined ? '' : `, did you mean ${near}?`
  return [[...issue.path, key], `unknown field ${JSON.stringify(key)}${mean}`]
}

interface Ranged {
  readonly range?: readonly number[] | null
}

interface KeyedItems {
  readonly items?: readonly { readonly key?: Ranged & { readonly value?: unknown } }[]
}

/** Where the path's key, or the value without one, stands; the nearest thing around it if nowhere. */
function rangeOf(document: Document, path: Path): readonly [number, number] {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const pairs = (parent as KeyedItems | null)?.items ?? []
    const key = pairs.find(pair => pair?.key?.value === path[length - 1])?.key
    const node = key ?? (document.getIn(path.slice(0, length), true) as Ranged | undefined)
    const [start, end] = node?.range ?? []
    if (start !== undefined && end !== undefined) return [start, end]
  }
  return [0, 0]
}

function locate(
  { file, text }: { readonly file: string; readonly text: string },
  lines: LineCounter,
  [start, end]: readonly [number, number],
): SourceLocation {
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  return { file, text, range: { start: position(start), end: position(end) } }
}
