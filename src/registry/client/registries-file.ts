import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import * as z from 'zod/mini'
import { complaint, parseYaml } from '../../config/yaml-file.ts'
import { isErrno, ShaleError } from '../../error.ts'
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
  const hint = 'docs/registries.md shows what may stand there'
  const { content, fail } = await parseYaml({ file, text, code: 'REGISTRIES_CONFIG', hint })
  const result = fileSchema.safeParse(content)
  if (!result.success) throw fail(...complaint(result.error.issues[0], FIELDS))
  const found = new Map<string, RegistrySettings>()
  for (const [name, settings] of Object.entries(result.data.registries ?? {})) {
    const alone = settings.cert === undefined ? 'key' : 'cert'
    if ((settings.cert === undefined) !== (settings.key === undefined)) {
      throw fail(['registries', name, alone], 'cert and key go together')
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

const FIELDS = ['registries', 'mirrors', 'insecure', 'ca', 'cert', 'key']
