import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import * as z from 'zod/mini'
import { complaint, parseYaml, type YamlFile } from '../../../config/yaml-file.ts'
import { ShaleError } from '../../../error.ts'
// It gives zod its messages.
import '../../../oci/manifest.ts'
import { DEFAULT_SETTINGS, type ServerSettings } from './settings.ts'
import { parseAddress, parseDuration, parseSize } from './units.ts'

/** What `registry.yaml` says: settings, and where the data are when it says that too. */
export interface ConfigFile {
  readonly settings: ServerSettings
  readonly data: string | undefined
}

const text = z.string().check(z.minLength(1))
const scalar = z.union([text, z.number()], 'a size like 4MB, a time like 6h, or a number')
/** One, or several. */
const texts = z.union([text, z.array(text)], 'a text or a list of them')
const actions = z.array(z.enum(['pull', 'push', 'delete']))

const schema = z.strictObject({
  address: z.optional(z.union([text, z.number()], 'host:port')),
  data: z.optional(text),
  'read-only': z.optional(z.boolean()),
  tls: z.optional(z.strictObject({ cert: text, key: text })),
  limits: z.optional(
    z.strictObject({
      upload: z.optional(scalar),
      manifest: z.optional(scalar),
      uploads: z.optional(z.int().check(z.positive())),
      rate: z.optional(scalar),
    }),
  ),
  users: z.optional(text),
  anonymous: z.optional(z.enum(['pull', 'none'])),
  rules: z.optional(z.array(z.strictObject({ repositories: texts, users: texts, actions }))),
  'immutable-tags': z.optional(z.array(z.strictObject({ repositories: z.optional(texts), tags: texts }))),
  gc: z.optional(z.strictObject({ interval: z.optional(scalar), grace: z.optional(scalar) })),
})

const FIELDS = [
  ...['address', 'data', 'read-only', 'tls', 'cert', 'key', 'limits', 'upload', 'manifest', 'uploads', 'rate', 'users'],
  ...['anonymous', 'rules', 'repositories', 'actions', 'immutable-tags', 'tags', 'gc', 'interval', 'grace'],
]

interface Read extends Pick<YamlFile, 'fail'> {
  readonly value: z.infer<typeof schema>
}

async function parse(file: string, text: string): Promise<Read> {
  const hint = 'docs/registry.md shows what may stand there'
  const { content, fail } = await parseYaml({ file, text, code: 'REGISTRY_CONFIG', hint })
  const result = schema.safeParse(content)
  if (!result.success) throw fail(...complaint(result.error.issues[0], FIELDS))
  return { value: result.data, fail }
}

/** Reads a `registry.yaml`; paths in it are beneath its folder. Throws `REGISTRY_CONFIG` and names file and line. */
export async function loadConfig(file: string): Promise<ConfigFile> {
  const content = await readFile(file, 'utf8').catch(cause => {
    const hint = '--config names it; without it the registry starts with its defaults'
    throw new ShaleError('REGISTRY_CONFIG', `cannot read ${file}: ${(cause as Error).message}`, { cause, hint })
  })
  const read = await parse(file, content)
  const path = (given: string | undefined) => (given === undefined ? undefined : resolve(dirname(file), given))
  const { value } = read
  const { collection } = DEFAULT_SETTINGS
  return {
    data: path(value.data),
    settings: {
      ...DEFAULT_SETTINGS,
      ...addressOf(read),
      tls: value.tls && { cert: path(value.tls.cert) ?? '', key: path(value.tls.key) ?? '' },
      readOnly: value['read-only'] ?? false,
      limits: limitsOf(read),
      users: path(value.users),
      anonymous: value.anonymous,
      rules: rulesOf(read),
      immutableTags: (value['immutable-tags'] ?? []).map(({ repositories = '**', tags }) => ({
        repositories: [repositories].flat(),
        tags: [tags].flat(),
      })),
      collection: {
        interval: value.gc?.interval === 'none' ? undefined : (time(read, 'interval') ?? collection.interval),
        grace: time(read, 'grace') ?? collection.grace,
      },
    },
  }
}

function addressOf({ value, fail }: Read): Pick<ServerSettings, 'host' | 'port'> | undefined {
  if (value.address === undefined) return undefined
  const address = parseAddress(String(value.address))
  if (address === undefined) throw fail(['address'], 'an address is host:port, [::1]:port, :port, or a port')
  return address
}

function limitsOf(read: Read): ServerSettings['limits'] {
  const { upload, manifest, uploads, rate } = DEFAULT_SETTINGS.limits
  return {
    upload: size(read, 'upload') ?? upload,
    manifest: size(read, 'manifest') ?? manifest,
    uploads: read.value.limits?.uploads ?? uploads,
    rate: read.value.limits?.rate === 'none' ? 0 : (size(read, 'rate') ?? rate),
  }
}

function rulesOf({ value, fail }: Read): ServerSettings['rules'] {
  const named = value.rules?.findIndex(({ users }) => [users].flat().some(user => user !== 'anonymous')) ?? -1
  if (named >= 0 && value.users === undefined) {
    throw fail(['rules', named, 'users'], 'rules for users need `users`, an htpasswd file')
  }
  return (value.rules ?? []).map(({ repositories, users, actions }) => ({
    repositories: [repositories].flat(),
    users: [users].flat(),
    actions,
  }))
}

function size({ value, fail }: Read, name: 'upload' | 'manifest' | 'rate'): number | undefined {
  const given = value.limits?.[name]
  if (given === undefined) return undefined
  const bytes = parseSize(String(given))
  if (!bytes) throw fail(['limits', name], `${given} is no size: write it as 512MB or 10GB`)
  return bytes
}

function time({ value, fail }: Read, name: 'interval' | 'grace'): number | undefined {
  const given = value.gc?.[name]
  if (given === undefined) return undefined
  const milliseconds = parseDuration(String(given))
  if (!milliseconds) throw fail(['gc', name], `${given} is no time: write it as 90s, 10m or 6h`)
  return milliseconds
}
