import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { type Path, parseYaml } from '../config/yaml-file.ts'
import { nearest } from '../dockerfile/nearest.ts'
import { isErrno, ShaleError } from '../error.ts'
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
  /** `INVALID_PROJECT_FILE` for the value at this path, with its line. */
  fail(path: Path, why: string, cause?: unknown): ShaleError
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
  const hint = 'docs/release.md shows what it can say'
  const { content, fail } = await parseYaml({ file: PROJECT_FILE, text, code: 'INVALID_PROJECT_FILE', hint })
  const parsed = schema.safeParse(content)
  if (parsed.success) return { release: parsed.data.release ?? {}, fail }
  const issue = deepest(parsed.error.issues[0] as z.core.$ZodIssue)
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  throw fail([...issue.path, ...unknown], issueText(issue), parsed.error)
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
