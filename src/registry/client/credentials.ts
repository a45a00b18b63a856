import { credentialHelper } from './credential-helper.ts'
import {
  type AuthEntry,
  changeDockerConfig,
  configKey,
  type DockerConfig,
  dockerConfigFile,
  helperOf,
  keysOf,
  readDockerConfig,
} from './docker-config.ts'

/** Who we are for a registry: a name and password, or a refresh token that a login has given. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string; readonly username?: string | undefined }

export interface CredentialSource {
  /** `registry` as in an image name: `docker.io`, `localhost:5000`. */
  get(registry: string): Promise<Credential | undefined>
}

/** Keeps logins where docker finds them as well. */
export interface CredentialKeeper extends CredentialSource {
  /** Says where it is now: in a helper, or unencrypted in this file. */
  store(registry: string, credential: Credential): Promise<KeptCredential>
  /** False when there was none. */
  erase(registry: string): Promise<boolean>
}

export type KeptCredential =
  | { readonly kind: 'helper'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }

export const ANONYMOUS: CredentialSource = { get: async () => undefined }

/**
 * The credentials that `docker login` keeps: `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`, with its
 * credential helpers. The file is read when a registry first asks. Throws `DOCKER_CONFIG` when it is malformed and
 * `CREDENTIAL_HELPER` when a helper fails; neither shows a secret.
 */
export function dockerCredentials(env: NodeJS.ProcessEnv = process.env): CredentialKeeper {
  const file = dockerConfigFile(env)
  let config: Promise<DockerConfig> | undefined
  const current = () => {
    config ??= readDockerConfig(file)
    return config
  }
  return {
    async get(registry) {
      return await find(await current(), registry, env)
    },
    async store(registry, credential) {
      const helper = helperOf(await current(), registry)
      const entry = helper === undefined ? encode(credential) : {}
      if (helper !== undefined) await credentialHelper(helper, env).store(configKey(registry), credential)
      await changeDockerConfig(file, known => withEntry(known, registry, entry))
      config = undefined
      return helper === undefined ? { kind: 'file', path: file } : { kind: 'helper', name: helper }
    },
    async erase(registry) {
      const known = await current()
      const helper = helperOf(known, registry)
      const names = keysOf(known, registry)
      const erased = helper !== undefined && (await credentialHelper(helper, env).erase(configKey(registry)))
      if (names.length > 0) await changeDockerConfig(file, found => withoutEntries(found, names))
      config = undefined
      return erased || names.length > 0
    },
  }
}

async function find(config: DockerConfig, registry: string, env: NodeJS.ProcessEnv): Promise<Credential | undefined> {
  const helper = helperOf(config, registry)
  if (helper !== undefined) {
    const found = await credentialHelper(helper, env).get(configKey(registry))
    if (found !== undefined) return found
  }
  const [name] = keysOf(config, registry)
  const entry = name === undefined ? undefined : config.auths?.[name]
  return entry && decode(entry)
}

/** With one login for the registry, under docker's own key. */
function withEntry(config: DockerConfig, registry: string, entry: AuthEntry): DockerConfig {
  const key = configKey(registry)
  const stale = keysOf(config, registry).filter(name => name !== key)
  const { auths } = stale.length === 0 ? config : withoutEntries(config, stale)
  return { ...config, auths: { ...auths, [key]: entry } }
}

function withoutEntries(config: DockerConfig, names: readonly string[]): DockerConfig {
  const auths = Object.entries(config.auths ?? {}).filter(([name]) => !names.includes(name))
  return { ...config, auths: Object.fromEntries(auths) }
}

function encode(credential: Credential): AuthEntry {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  if (credential.kind === 'password') return { auth: base64(`${credential.username}:${credential.password}`) }
  const name = credential.username === undefined ? {} : { auth: base64(`${credential.username}:`) }
  return { ...name, identitytoken: credential.token }
}

function decode(entry: AuthEntry): Credential | undefined {
  const text = Buffer.from(entry.auth ?? '', 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (entry.identitytoken) {
    const username = entry.username ?? (colon > 0 ? text.slice(0, colon) : undefined)
    return { kind: 'identity', token: entry.identitytoken, ...(username && { username }) }
  }
  if (entry.username && entry.password) {
    return { kind: 'password', username: entry.username, password: entry.password }
  }
  if (colon <= 0) return undefined
  // Docker pads what it writes with NUL characters.
  return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') }
}
