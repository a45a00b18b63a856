import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Document, LineCounter } from 'yaml'
import * as z from 'zod/mini'
import { nearest } from '../../dockerfile/nearest.ts'
import { isErrno, ShaleError, type SourceLocation } from '../../error.ts'
// It gives zod its messages.
import '../../oci/manifest.ts'

/** `plain-http`: HTTP without TLS. `skip-verify`: TLS with whatever certificate. */
export type Insecure = 'plain-http' | 'skip-verify'

/** What `registries.yaml` says of one registry; paths are absolute. */
export interface RegistrySettings {
  /** `host[:port][/path]`, tried in this order before the registry itself. Their own entries say how to reach them. */
  readonly mirrors: readonly string[]
  readonly insecure?: Insecure | undefined
  /** PEM file with authorities to trust besides the machine's. */
  readonly ca?: string | undefined
  /** PEM files of a client certificate and its key. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** By name as in image names. */
export type RegistriesConfig = ReadonlyMap<string, RegistrySettings>

const NAME = /^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/
const MIRROR = /^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?(?:\/[a-z0-9._/-]+)?$/

const path = z.optional(z.string().check(z.minLength(1)))
const fileSchema = z.strictObject({
  registries: z.nullish(
    z.record(
      z.string().check(z.regex(NAME, 'a registry is named as in image names: docker.io, registry.example.com:5000')),
      z.strictObject({
        mirrors: z.optional(
          z.array(z.string().check(z.regex(MIRROR, 'a mirror is host, host:port or host/path, without https://'))),
        ),
        insecure: z.optional(
          z.enum(['plain-http', 'skip-verify'], 'say which: plain-http (no TLS) or skip-verify (any certificate)'),
        ),
        ca: path,
        cert: path,
        key: path,
      }),
    ),
  ),
})

/**
 * Where `registries.yaml` is: `SHALE_REGISTRIES`, which must be there then; else `shale/registries.yaml` in the XDG
 * configuration folder, else in /etc.
 */
export function registriesFiles(env: NodeJS.ProcessEnv): { readonly paths: readonly string[]; readonly must: boolean } {
  if (env.SHALE_REGISTRIES) return { paths: [resolve(env.SHALE_REGISTRIES)], must: true }
  const xdg = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : join(env.HOME || homedir(), '.config')
  return { paths: [join(xdg, 'shale/registries.yaml'), '/etc/shale/registries.yaml'], must: false }
}

/** Reads the first file that is there. Throws `REGISTRIES_CONFIG` and names file and line. */
export async function loadRegistries(env: NodeJS.ProcessEnv): Promise<RegistriesConfig> {
  const { paths, must } = registriesFiles(env)
  for (const file of paths) {
    const text = await readText(file, must)
    if (text !== undefined) return await parseRegistries(file, text)
  }
  return new Map()
}

async function readText(file: string, must: boolean): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (!must && isErrno(cause, 'ENOENT', 'ENOTDIR')) return undefined
    const why = isErrno(cause, 'ENOENT') ? 'no such file' : (cause as Error).message
    throw new ShaleError('REGISTRIES_CONFIG', `cannot read ${file}: ${why}`, {
      cause,
      hint: 'SHALE_REGISTRIES or --registries-config names it',
    })
  }
}

/** Reads the text of a `registries.yaml`. Throws `REGISTRIES_CONFIG`. */
export async function parseRegistries(file: string, text: string): Promise<RegistriesConfig> {
  // Most machines have no such file, so that its parser is loaded only here.
  const { LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const fail = (why: string, range: readonly [number, number]) => {
    const source = locate({ file, text }, lines, range)
    return new ShaleError('REGISTRIES_CONFIG', `${file}:${source.range.start.line}: ${why}`, {
      source,
      hint: 'docs/registries.md shows what may stand there',
    })
  }
  const [error] = document.errors
  if (error !== undefined) throw fail(error.message.replace(/\s+/g, ' '), error.pos)
  const result = fileSchema.safeParse(plainValues(document, fail))
  if (!result.success) {
    const [why, path] = complaint(result.error.issues[0])
    throw fail(why, rangeOf(document, path))
  }
  const found = new Map<string, RegistrySettings>()
  for (const [name, settings] of Object.entries(result.data.registries ?? {})) {
    const alone = settings.cert === undefined ? 'key' : 'cert'
    if ((settings.cert === undefined) !== (settings.key === undefined)) {
      throw fail('cert and key go together', rangeOf(document, ['registries', name, alone]))
    }
    const absolute = (name: 'ca' | 'cert' | 'key') => {
      const given = settings[name]
      return given === undefined ? {} : { [name]: resolve(dirname(file), given) }
    }
    const { mirrors = [], insecure } = settings
    const files = { ...absolute('ca'), ...absolute('cert'), ...absolute('key') }
    found.set(name, { mirrors, ...(insecure && { insecure }), ...files })
  }
  return found
}

function plainValues(document: Document, fail: (why: string, range: readonly [number, number]) => ShaleError): unknown {
  try {
    return document.toJS({ maxAliasCount: 10 }) ?? {}
  } catch (error) {
    throw fail((error as Error).message, [0, 0])
  }
}

const FIELDS = ['registries', 'mirrors', 'insecure', 'ca', 'cert', 'key']

function complaint(issue: z.core.$ZodIssue | undefined): readonly [why: string, path: readonly PropertyKey[]] {
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    const near = nearest(key, FIELDS)
    const mean = near === undefined ? '' : `, did you mean ${near}?`
    return [`unknown field ${JSON.stringify(key)}${mean}`, [...issue.path, key]]
  }
  const why = issue?.code === 'invalid_key' ? issue.issues[0]?.message : issue?.message
  return [why ?? 'malformed', issue?.path ?? []]
}

/** Where the value, or for a key that should not be there the key, stands; the nearest thing around it if nowhere. */
function rangeOf(document: Document, path: readonly PropertyKey[]): readonly [number, number] {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const last = path[length - 1]
    const pairs = (parent as { items?: readonly { key?: Ranged & { value?: unknown } }[] } | undefined)?.items ?? []
    const key = pairs.find(pair => pair?.key?.value === last)?.key
    const node = key ?? (document.getIn(path.slice(0, length), true) as Ranged | undefined)
    if (node?.range) return [node.range[0], node.range[1]]
  }
  return [0, 0]
}

interface Ranged {
  readonly range?: readonly [number, number, number] | null
}

function locate(
  { file, text }: { readonly file: string; readonly text: string },
  lines: LineCounter,
  [from, to]: readonly [number, number],
): SourceLocation {
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  return { file, text, range: { start: position(from), end: position(Math.max(from, to)) } }
}
