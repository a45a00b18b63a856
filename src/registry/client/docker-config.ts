import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import * as z from 'zod/mini'
import { isErrno, ShaleError, writing } from '../../error.ts'
import { checked, parseJson } from '../../oci/manifest.ts'

const entrySchema = z.looseObject({
  auth: z.optional(z.string()),
  username: z.optional(z.string()),
  password: z.optional(z.string()),
  identitytoken: z.optional(z.string()),
})

const configSchema = z.looseObject({
  auths: z.nullish(z.record(z.string(), entrySchema)),
  credsStore: z.nullish(z.string()),
  credHelpers: z.nullish(z.record(z.string(), z.string())),
})

/** What docker keeps in its `config.json`, fields that we do not know included. */
export type DockerConfig = z.infer<typeof configSchema>
export type AuthEntry = z.infer<typeof entrySchema>

/** Docker's name for Docker Hub in its configuration. */
export const HUB = 'https://index.docker.io/v1/'

/** The key under which docker keeps a registry's login; `registry` as in image names. */
export function configKey(registry: string): string {
  return registry === 'docker.io' ? HUB : registry
}

/** Keys may be URLs from older days: `https://registry.example.com/v1/`. */
export function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
}

/** The keys of `auths` that mean the registry, docker's own first. */
export function keysOf(config: DockerConfig, registry: string): readonly string[] {
  const key = configKey(registry)
  const names = Object.keys(config.auths ?? {})
  return [...names.filter(name => name === key), ...names.filter(name => name !== key && hostOf(name) === hostOf(key))]
}

/** The credential helper that has the registry's login; undefined means that the file itself has it. */
export function helperOf(config: DockerConfig, registry: string): string | undefined {
  const { credHelpers, credsStore } = config
  const key = configKey(registry)
  return credHelpers?.[registry] || credHelpers?.[hostOf(key)] || credHelpers?.[key] || credsStore || undefined
}

/** `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`. */
export function dockerConfigFile(env: NodeJS.ProcessEnv): string {
  return join(env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker'), 'config.json')
}

interface Document {
  readonly config: DockerConfig
  /** What its lines are indented with. */
  readonly indent: string
}

/** An absent or empty file is an empty configuration. Throws `DOCKER_CONFIG`, which shows nothing of the file. */
export async function readDockerConfig(file: string): Promise<DockerConfig> {
  return (await readDocument(file)).config
}

async function readDocument(file: string): Promise<Document> {
  try {
    const raw = await readFile(file)
    if (raw.toString('utf8').trim() === '') return { config: {}, indent: '\t' }
    // Only looked at, not taken from the check, which would put the fields that it knows first.
    const config = parseJson(raw, 'docker config') as DockerConfig
    checked(configSchema, config, 'docker config')
    return { config, indent: /^\s*\{\r?\n([ \t]+)"/.exec(raw.toString('utf8'))?.[1] ?? '\t' }
  } catch (cause) {
    if (isErrno(cause, 'ENOENT', 'ENOTDIR')) return { config: {}, indent: '\t' }
    // The parser's own words may quote the file, which holds passwords.
    const why = isErrno(cause) && !(cause instanceof ShaleError) ? cause.code : 'it is malformed'
    throw new ShaleError('DOCKER_CONFIG', `cannot read ${file}: ${why}`, {
      hint: 'mend the file, or name another folder in DOCKER_CONFIG',
    })
  }
}

/**
 * Changes the file as docker does: whole or not at all, readable by its owner only; the order of fields, those unknown
 * to us and the indentation stay. A symbolic link stays one. What `change` gives back unchanged is not written.
 */
export async function changeDockerConfig(file: string, change: (config: DockerConfig) => DockerConfig): Promise<void> {
  const { config, indent } = await readDocument(file)
  const changed = change(config)
  if (changed === config) return
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const target = await realpath(file).catch(() => file)
  const temporary = `${target}.${randomBytes(6).toString('hex')}`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await writing(temporary, () => handle.writeFile(`${JSON.stringify(changed, undefined, indent)}\n`))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
