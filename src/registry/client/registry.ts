import { authenticate } from './auth.ts'
import { bufferSmall } from './buffer-small.ts'
import { type CredentialSource, dockerCredentials } from './credentials.ts'
import { certificateFolders, type HostTls, hostTls } from './host-tls.ts'
import { compose, type HttpRequest, type HttpResponse, type Transport } from './http.ts'
import { refuseOffline } from './offline.ts'
import { HOSTS, nameOfHost, originOf } from './origin.ts'
import { followRedirects } from './redirect.ts'
import { loadRegistries, type RegistriesConfig } from './registries-file.ts'
import { type Pause, pausing, type RetryOptions, retry } from './retry.ts'
import { createWire, type WireOptions } from './wire.ts'

export interface ClientOptions extends Omit<WireOptions, 'tlsOf'>, RetryOptions {
  /** What docker has stored, if absent. */
  readonly credentials?: CredentialSource | undefined
  /** Mirrors and TLS settings; those of `registries.yaml`, if absent. */
  readonly registries?: RegistriesConfig | undefined
  /** Every request fails with `OFFLINE`; if absent as SHALE_OFFLINE says. */
  readonly offline?: boolean | undefined
}

/** A request to a registry, its path below the registry's address: `/v2/library/debian/manifests/trixie`. */
export type RegistryRequest = Omit<HttpRequest, 'url'> & { readonly path: string | URL }

export interface Registry {
  /** As in image names: `docker.io`, `localhost:5000`. */
  readonly name: string
  /** Retries, redirects and authorization are taken care of; any status may come back. */
  send(request: RegistryRequest): Promise<HttpResponse>
  /** For exchanges that are repeated as a whole. */
  readonly pause: Pause
}

/** A repository where it is: at its own registry, or at a mirror of that. */
export interface RemoteRepository {
  readonly registry: Registry
  readonly repository: string
}

/** A registry's address, and requests to it and its token server without any login. */
export interface Connection {
  readonly origin: URL
  readonly plain: Transport
}

/** Connections to registries, kept open and shared between requests. */
export interface RegistryClient {
  readonly offline: boolean
  registry(name: string): Registry
  /** The mirrors in their order, then the registry itself. Throws `REGISTRIES_CONFIG`. */
  readers(name: string, repository: string): Promise<readonly RemoteRepository[]>
  /** Throws `REGISTRY_UNREACHABLE` and the like. */
  connect(name: string): Promise<Connection>
  close(): void
}

export function createRegistryClient(options: ClientOptions = {}): RegistryClient {
  const env = options.env ?? process.env
  const offline = options.offline ?? /^(?:1|true|yes)$/i.test(env.SHALE_OFFLINE ?? '')
  const config = lazily(async () => options.registries ?? (await loadRegistries(env)))
  const wire = createWire({ ...options, tlsOf: tlsOf(config, certificateFolders(env)) })
  const send = offline ? refuseOffline : wire.send
  const credentials = options.credentials ?? dockerCredentials(env)
  const plain = compose(send, retry(options), followRedirects, bufferSmall)
  const registries = new Map<string, Registry>()
  const connect = async (name: string) => {
    const settings = (await config()).get(name)
    const host = HOSTS[name] ?? name
    // Looking which protocol is spoken there would be the first request.
    const origin = offline ? new URL(`https://${host}/`) : await originOf(host, settings?.insecure, send)
    return { origin, plain }
  }
  const registry = (name: string) => {
    const known = registries.get(name)
    if (known !== undefined) return known
    const created = createRegistry(
      name,
      pausing(options),
      lazily(async () => {
        const { origin } = await connect(name)
        const auth = authenticate({ registry: name, origin, credentials, send: plain })
        return { origin, send: compose(send, retry(options), auth, followRedirects, bufferSmall) }
      }),
    )
    registries.set(name, created)
    return created
  }
  return {
    offline,
    registry,
    async readers(name, repository) {
      const mirrors = (await config()).get(name)?.mirrors ?? []
      const there = mirrors.map(mirror => {
        const [host = '', ...path] = mirror.split('/')
        return { registry: registry(host), repository: [...path, repository].filter(part => part !== '').join('/') }
      })
      return [...there, { registry: registry(name), repository }]
    },
    connect,
    close: wire.close,
  }
}

function createRegistry(
  name: string,
  pause: Pause,
  connected: () => Promise<{ readonly origin: URL; readonly send: Transport }>,
): Registry {
  return {
    name,
    pause,
    async send({ path, ...request }) {
      const { origin, send } = await connected()
      return await send({ ...request, url: new URL(path, origin) })
    },
  }
}

function tlsOf(config: () => Promise<RegistriesConfig>, folders: readonly string[]) {
  const known = new Map<string, Promise<HostTls | undefined>>()
  return (host: string) => {
    const found =
      known.get(host) ?? config().then(registries => hostTls(host, registries.get(nameOfHost(host)), folders))
    known.set(host, found)
    return found
  }
}

/** Made when first asked for; after a failure, made again. */
function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch(error => {
      made = undefined
      throw error
    })
    return made
  }
}
