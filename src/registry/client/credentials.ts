import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { isErrno, ShaleError } from '../../error.ts'
import { checked, parseJson } from '../../oci/manifest.ts'

/** Who we are for a registry: a name and password, or a refresh token that a login has given. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string }

export interface CredentialSource {
  /** `registry` as in an image name: `docker.io`, `localhost:5000`. */
  get(registry: string): Promise<Credential | undefined>
}

export const ANONYMOUS: CredentialSource = { get: async () => undefined }

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

type DockerConfig = z.infer<typeof configSchema>

/** Docker's name for Docker Hub in its configuration. */
const HUB = 'https://index.docker.io/v1/'

/**
 * The credentials that `docker login` keeps: `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`, with its
 * credential helpers. The file is read when a registry first asks. Throws `DOCKER_CONFIG` when it is malformed and
 * `CREDENTIAL_HELPER` when a helper fails; neither shows a secret.
 */
export function dockerCredentials(env: NodeJS.ProcessEnv = process.env): CredentialSource {
  const file = join(env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker'), 'config.json')
  let config: Promise<DockerConfig> | undefined
  return {
    async get(registry) {
      config ??= readConfig(file)
      return await find(await config, registry, env)
    },
  }
}

async function readConfig(file: string): Promise<DockerConfig> {
  try {
    return checked(configSchema, parseJson(await readFile(file), 'docker config'), 'docker config')
  } catch (cause) {
    if (isErrno(cause, 'ENOENT', 'ENOTDIR')) return {}
    // The parser's own words may quote the file, which holds passwords.
    throw new ShaleError('DOCKER_CONFIG', `cannot read ${file}: ${isErrno(cause) ? cause.code : 'it is malformed'}`, {
      hint: 'mend the file, or name another folder in DOCKER_CONFIG',
    })
  }
}

async function find(config: DockerConfig, registry: string, env: NodeJS.ProcessEnv): Promise<Credential | undefined> {
  const key = registry === 'docker.io' ? HUB : registry
  const helper = config.credHelpers?.[registry] ?? config.credHelpers?.[key] ?? config.credsStore
  if (helper) {
    const found = await askHelper(helper, key, env)
    if (found !== undefined) return found
  }
  const entries = Object.entries(config.auths ?? {})
  const entry = entries.find(([name]) => name === key) ?? entries.find(([name]) => hostOf(name) === hostOf(key))
  return entry && decode(entry[1])
}

/** Keys may be URLs from older days: `https://registry.example.com/v1/`. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
}

function decode(entry: z.infer<typeof entrySchema>): Credential | undefined {
  if (entry.identitytoken) return { kind: 'identity', token: entry.identitytoken }
  if (entry.username && entry.password) {
    return { kind: 'password', username: entry.username, password: entry.password }
  }
  const text = Buffer.from(entry.auth ?? '', 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon <= 0) return undefined
  // Docker pads what it writes with NUL characters.
  return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') }
}

const helperAnswer = z.looseObject({ Username: z.string(), Secret: z.string() })
const HELPER_TIMEOUT = 60_000

/** Source: docker/docker-credential-helpers' protocol: the server's name on stdin, JSON on stdout. */
async function askHelper(helper: string, server: string, env: NodeJS.ProcessEnv): Promise<Credential | undefined> {
  const fail = (why: string) =>
    new ShaleError('CREDENTIAL_HELPER', `docker-credential-${helper.slice(0, 64)} failed for ${server}: ${why}`, {
      hint: 'the helper is named in docker’s config.json as credsStore or credHelpers',
    })
  if (!/^[\w.-]+$/.test(helper)) throw fail('its name has characters that no helper has')
  const { code, output } = await runHelper(`docker-credential-${helper}`, server, env).catch(error => {
    throw fail(isErrno(error, 'ENOENT') ? 'it is not installed' : (error as Error).message)
  })
  if (code !== 0) {
    if (/credentials not found|no credentials|not found in native keychain/i.test(output)) return undefined
    throw fail(`it ended with exit code ${code}`)
  }
  const answer = helperAnswer.safeParse(safeJson(output))
  if (!answer.success) throw fail('its answer is malformed')
  const { Username, Secret } = answer.data
  if (Username === '<token>') return { kind: 'identity', token: Secret }
  return { kind: 'password', username: Username, password: Secret }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function runHelper(program: string, input: string, env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { env, stdio: ['pipe', 'pipe', 'ignore'], timeout: HELPER_TIMEOUT })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(0, 65_536)
    })
    child.on('error', reject)
    child.on('close', code => resolve({ code: code ?? -1, output }))
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}
