import { ShaleError } from '../../error.ts'
import { authenticate } from './auth.ts'
import type { CredentialSource } from './credentials.ts'
import { dockerCredentials } from './credentials.ts'
import { compose, discard, type HttpRequest, type HttpResponse, isLoopback, type Transport } from './http.ts'
import { followRedirects } from './redirect.ts'
import { type RetryOptions, retry } from './retry.ts'
import { createWire, type WireOptions } from './wire.ts'

export interface ClientOptions extends WireOptions, RetryOptions {
  /** What docker has stored, if absent. */
  readonly credentials?: CredentialSource | undefined
}

/** A request to a registry, its path below the registry's address: `/v2/library/debian/manifests/trixie`. */
export type RegistryRequest = Omit<HttpRequest, 'url'> & { readonly path: string | URL }

export interface Registry {
  /** As in image names: `docker.io`, `localhost:5000`. */
  readonly name: string
  /** Retries, redirects and authorization are taken care of; any status may come back. */
  send(request: RegistryRequest): Promise<HttpResponse>
}

/** Connections to registries, kept open and shared between requests. */
export interface RegistryClient {
  registry(name: string): Registry
  close(): void
}

/** Docker Hub's name in image names is not its host. */
const HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' }

export function createRegistryClient(options: ClientOptions = {}): RegistryClient {
  const wire = createWire(options)
  const credentials = options.credentials ?? dockerCredentials(options.env)
  const plain = compose(wire.send, retry(options), followRedirects)
  const registries = new Map<string, Registry>()
  return {
    registry(name) {
      const known = registries.get(name)
      if (known !== undefined) return known
      const registry = createRegistry(
        name,
        (origin: URL) => {
          const auth = authenticate({ registry: name, origin, credentials, send: plain })
          return compose(wire.send, retry(options), auth, followRedirects)
        },
        wire.send,
      )
      registries.set(name, registry)
      return registry
    },
    close: wire.close,
  }
}

function createRegistry(name: string, transportFor: (origin: URL) => Transport, probe: Transport): Registry {
  let connected: Promise<{ origin: URL; send: Transport }> | undefined
  return {
    name,
    async send({ path, ...request }) {
      connected ??= originOf(HOSTS[name] ?? name, probe).then(origin => ({ origin, send: transportFor(origin) }))
      const { origin, send } = await connected.catch(error => {
        connected = undefined
        throw error
      })
      return await send({ ...request, url: new URL(path, origin) })
    },
  }
}

/**
 * HTTPS, but on loopback whichever of HTTPS and plain HTTP is spoken there. HTTPS is tried first, since a plain server's
 * reaction to a TLS greeting is unmistakable, and other errors then say what is wrong with the TLS.
 */
async function originOf(host: string, probe: Transport): Promise<URL> {
  if (!URL.canParse(`https://${host}/`)) {
    throw new ShaleError('INVALID_REFERENCE', `${JSON.stringify(host)} is no registry's address`, {
      hint: 'a port is at most 65535',
    })
  }
  const secure = new URL(`https://${host}/`)
  if (!isLoopback(secure.hostname)) return secure
  try {
    discard(await probe({ method: 'GET', url: new URL('/v2/', secure) }))
    return secure
  } catch (error) {
    if (!speaksNoTls(error)) throw error
    return new URL(`http://${host}/`)
  }
}

function speaksNoTls(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return /^(?:EPROTO|ECONNRESET|EPIPE|ERR_SSL_.*)$/.test(code)
}
