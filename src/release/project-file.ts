import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Document, LineCounter } from 'yaml'
import * as z from 'zod/mini'
import { nearest } from '../dockerfile/nearest.ts'
import { isErrno, ShaleError, type SourceLocation } from '../error.ts'
import { templateFault } from './template.ts'

/** The section `release` of a project's `shale.yaml`, as it is written there. */
export interface ReleaseSection {
  /** Repositories to tag in. */
  readonly image?: string | readonly string[] | undefined
  /** Where the version is: a file of the project, `git`, or the version itself. */
  readonly version?: string | undefined
  readonly tags?: readonly string[] | undefined
  /** Further tags by branch; a star in a branch stands for anything. */
  readonly channels?: Readonly<Record<string, string | readonly string[]>> | undefined
}

export interface ProjectFile {
  readonly release: ReleaseSection
  /** Where the value at this path is, for messages. */
  locate(path: readonly PropertyKey[]): SourceLocation
}

export const PROJECT_FILE = 'shale.yaml'
const MAX_BYTES = 1024 * 1024

const template = z.string().check(
  z.superRefine((text, context) => {
    const fault = templateFault(text)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault, input: text })
  }),
)
const textOrList = <T extends z.ZodMiniType<string>>(item: T) => z.union([item, z.array(item).check(z.minLength(1))])

const schema = z.strictObject({
  // A heading with nothing below it is null.
  release: z.nullish(
    z.strictObject({
      image: z.optional(textOrList(z.string().check(z.minLength(1)))),
      version: z.optional(z.string().check(z.minLength(1))),
      tags: z.optional(z.array(template).check(z.minLength(1))),
      channels: z.optional(z.record(z.string(), textOrList(template))),
    }),
  ),
})

/** Reads `shale.yaml` of a folder; undefined when there is none. Throws `INVALID_PROJECT_FILE` with the line. */
export async function readProjectFile(folder: string): Promise<ProjectFile | undefined> {
  const text = readText(join(folder, PROJECT_FILE))
  if (text === undefined) return undefined
  const { parseDocument, LineCounter } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' })
  const [broken] = document.errors
  if (broken !== undefined)
    throw invalid(YAML_WORDS[broken.code] ?? broken.message, at(text, lines, broken.pos), broken)
  const located = (path: readonly PropertyKey[], key?: string) => locate(document, text, lines, path, key)
  let content: unknown
  try {
    content = document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw invalid((cause as Error).message, located([]), cause)
  }
  const parsed = schema.safeParse(content ?? {})
  if (parsed.success) return { release: parsed.data.release ?? {}, locate: path => located(path) }
  const issue = deepest(parsed.error.issues[0] as z.core.$ZodIssue)
  const [unknown] = issue.code === 'unrecognized_keys' ? issue.keys : []
  throw invalid(issueText(issue), located(issue.path, unknown), parsed.error)
}

/** What the YAML reader says to its programmer, for people. */
const YAML_WORDS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'the file is to be one document, but --- begins another',
}

/** An error of the project file that shows its line. */
export function invalid(message: string, source: SourceLocation, cause?: unknown): ShaleError {
  const { line } = source.range.start
  return new ShaleError('INVALID_PROJECT_FILE', `${PROJECT_FILE}:${line}: ${message}`, {
    source,
    cause,
    hint: 'docs/release.md shows what it can say',
  })
}

function readText(path: string): string | undefined {
  try {
    if (statSync(path).size > MAX_BYTES) {
      throw new ShaleError('DOCUMENT_TOO_LARGE', `${path} has more than ${MAX_BYTES} bytes`)
    }
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return undefined
    if (isErrno(cause)) throw new ShaleError('INVALID_PROJECT_FILE', `cannot read ${path}: ${cause.message}`, { cause })
    throw cause
  }
}

/** Of what a union did not take, the complaint of the alternative that came furthest. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue
  const inner = issue.errors.flat().map(deepest)
  const best = inner.find(({ code }) => code === 'custom') ?? inner.find(({ path }) => path.length > 0)
  return best === undefined ? issue : { ...best, path: [...issue.path, ...best.path] }
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  '': ['release'],
  release: ['image', 'version', 'tags', 'channels'],
}

function issueText(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    const keys = KEYS[where] ?? []
    const near = nearest(key, keys)
    return `there is no ${JSON.stringify(key)}${where === '' ? '' : ` in ${where}`}: ${near === undefined ? `it has ${keys.join(', ')}` : `did you mean ${near}?`}`
  }
  if (issue.code === 'custom') return `${where}: ${issue.message}`
  const isChannel = issue.path[1] === 'channels' && issue.path.length > 2
  const wanted = isChannel ? 'a tag or a list of tags' : (WANTED[String(issue.path.at(-1))] ?? 'text in quotes')
  return `${where || 'the file'} is to be ${wanted}`
}

const WANTED: Readonly<Record<string, string>> = {
  image: 'a repository or a list of them',
  version: 'text in quotes',
  tags: 'a list of tags',
  channels: 'branches, each with a tag or a list of them',
  release: 'a section with image, version, tags, channels',
  undefined: 'a section named release',
}

function locate(
  document: Document,
  text: string,
  lines: LineCounter,
  path: readonly PropertyKey[],
  key?: string,
): SourceLocation {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    const found = (key === undefined ? undefined : rangeOf(keyOf(node, key))) ?? rangeOf(node)
    if (found !== undefined) return at(text, lines, found)
  }
  return at(text, lines, [0, 0])
}

function keyOf(map: unknown, key: string): unknown {
  if (typeof map !== 'object' || map === null || !('items' in map) || !Array.isArray(map.items)) return undefined
  return map.items.find(({ key: node }) => String(node) === key)?.key
}

function rangeOf(node: unknown): readonly [number, number] | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined
  return [Number(node.range[0]), Number(node.range[1])]
}

function at(text: string, lines: LineCounter, [from, to]: readonly [number, number]): SourceLocation {
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  return { file: PROJECT_FILE, text, range: { start: position(from), end: position(Math.max(from, to)) } }
}
