import * as http from 'node:http'
import * as https from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createSecureContext } from 'node:tls'
import { isErrno, ShaleError } from '../../error.ts'
import type { HostTls } from './host-tls.ts'
import { displayUrl, type HttpRequest, type HttpResponse, isLoopback, type Transport } from './http.ts'
import { hostContext, trustedAuthorities } from './tls.ts'

export interface WireOptions {
  /** Where HTTP_PROXY, HTTPS_PROXY and NO_PROXY are looked up; the process' environment if absent. */
  readonly env?: NodeJS.ProcessEnv | undefined
  /** PEM certificates to trust instead of the machine's. */
  readonly authorities?: readonly string[] | undefined
  /** TLS settings that a host (`name` or `name:port`) has for itself. */
  readonly tlsOf?: ((host: string) => Promise<HostTls | undefined>) | undefined
  /** Milliseconds that a connection may be silent; 60,000 if absent. */
  readonly idleTimeout?: number | undefined
  readonly userAgent?: string | undefined
}

/** The transport at the bottom: HTTP/1.1 over kept-alive connections, through a proxy where the environment says so. */
export interface Wire {
  readonly send: Transport
  /** Closes idle connections; requests that are under way fail. */
  close(): void
}

const DEFAULT_IDLE_TIMEOUT = 60_000

export function createWire(options: WireOptions = {}): Wire {
  const agents = new Map<string, http.Agent>()
  const agentFor = async ({ protocol, host, hostname }: URL): Promise<http.Agent> => {
    const tls = protocol === 'https:' ? await options.tlsOf?.(host) : undefined
    const kind = protocol === 'http:' ? 'plain' : isLoopback(hostname) ? 'local' : 'secure'
    const name = tls === undefined ? kind : host
    const agent = agents.get(name) ?? createAgent(kind, options, tls)
    agents.set(name, agent)
    return agent
  }
  return {
    send: async request => await sendOnce(request, options, await agentFor(request.url)),
    close() {
      for (const agent of agents.values()) agent.destroy()
    },
  }
}

function createAgent(kind: 'plain' | 'local' | 'secure', options: WireOptions, tls: HostTls | undefined): http.Agent {
  const shared = { keepAlive: true, maxSockets: 16, proxyEnv: proxySettings(options.env ?? process.env) }
  if (kind === 'plain') return new http.Agent(shared)
  if (tls !== undefined) {
    // On loopback a client certificate alone is no wish to have the server's verified.
    const rejectUnauthorized = tls.verify && (kind === 'secure' || tls.authorities.length > 0)
    return new https.Agent({ ...shared, rejectUnauthorized, secureContext: secureContext(tls) })
  }
  const { authorities } = options
  if (authorities !== undefined) {
    return new https.Agent({ ...shared, secureContext: createSecureContext({ ca: [...authorities] }) })
  }
  // Nobody is between this machine and itself, so a self-signed certificate does there, as with docker.
  if (kind === 'local') return new https.Agent({ ...shared, rejectUnauthorized: false })
  return new https.Agent({ ...shared, secureContext: trustedAuthorities() })
}

function secureContext(tls: HostTls): ReturnType<typeof hostContext> {
  try {
    return hostContext(tls)
  } catch (cause) {
    throw new ShaleError('REGISTRY_CERTIFICATE_FILE', `the certificates for a registry do not fit: ${message(cause)}`, {
      cause,
      hint: 'ca, cert and key must be PEM files, and the key must be of the certificate',
    })
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** As curl and Go do, loopback is never asked for through a proxy. */
function proxySettings(env: NodeJS.ProcessEnv): http.ProxyEnv {
  const given = env.no_proxy ?? env.NO_PROXY ?? ''
  const pick = (name: string) => env[name.toLowerCase()] ?? env[name]
  const settings = { HTTP_PROXY: pick('HTTP_PROXY'), HTTPS_PROXY: pick('HTTPS_PROXY') }
  return { ...settings, NO_PROXY: `${given === '' ? '' : `${given},`}localhost,127.0.0.1,::1` }
}

function sendOnce(request: HttpRequest, options: WireOptions, agent: http.Agent): Promise<HttpResponse> {
  const { url, method, body, signal } = request
  const timeout = options.idleTimeout ?? DEFAULT_IDLE_TIMEOUT
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const outgoing = (url.protocol === 'https:' ? https : http).request(url, {
      method,
      agent,
      headers: requestHeaders(request, options),
      ...(signal && { signal }),
    })
    outgoing.setTimeout(timeout, () => {
      outgoing.destroy(new ShaleError('REGISTRY_TIMEOUT', `${displayUrl(url)} was silent for ${timeout / 1000} s`))
    })
    outgoing.on('response', message => {
      resolve({ status: message.statusCode ?? 0, headers: message.headers, url, body: message })
    })
    const source: { error?: unknown } = {}
    outgoing.on('error', error => {
      if (signal?.aborted) reject(signal.reason)
      else reject('error' in source ? source.error : connectionFailure(url, error))
    })
    if (body === undefined) outgoing.end()
    // A server may answer and close before it has read everything; its answer is what counts then.
    else {
      const bytes = Readable.from(noting(body.open(), source), { objectMode: false })
      pipeline(bytes, outgoing).catch(error => outgoing.destroy(error))
    }
  })
}

/** What fails in the body is no failure of the connection. */
async function* noting(bytes: AsyncIterable<Uint8Array>, source: { error?: unknown }): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes
  } catch (error) {
    source.error = error
    throw error
  }
}

function requestHeaders(request: HttpRequest, options: WireOptions): Record<string, string | number> {
  const length = request.body?.size ?? (request.method === 'POST' || request.method === 'PUT' ? 0 : undefined)
  return {
    'user-agent': options.userAgent ?? 'shale',
    ...request.headers,
    ...(length !== undefined && { 'content-length': length }),
  }
}

const NO_TLS =
  'plain HTTP is used for registries on loopback, and for those that registries.yaml names insecure: plain-http'

const EXPLAINED: Readonly<Record<string, readonly [why: string, hint?: string]>> = {
  ECONNREFUSED: ['connection refused', 'is the registry running, and is the port right?'],
  ENOTFOUND: ['no such host', 'check the name, the DNS and whether a proxy is needed (HTTPS_PROXY)'],
  EAI_AGAIN: ['the name could not be looked up', 'check the network and whether a proxy is needed (HTTPS_PROXY)'],
  ECONNRESET: ['the connection was cut'],
  EPIPE: ['the connection was cut'],
  ETIMEDOUT: ['the connection timed out'],
  EPROTO: ['it does not speak TLS', NO_TLS],
  ERR_SSL_WRONG_VERSION_NUMBER: ['it does not speak TLS', NO_TLS],
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|ERR_TLS_/

/** `REGISTRY_UNREACHABLE` (or `REGISTRY_CERTIFICATE`), with the system's error as its cause. */
function connectionFailure(url: URL, error: Error): Error {
  if (error instanceof ShaleError) return error
  const code = isErrno(error) ? (error.code ?? '') : ''
  if (CERTIFICATE.test(code)) {
    return new ShaleError(
      'REGISTRY_CERTIFICATE',
      `the certificate of ${url.host} is not trusted: ${error.message.replace(/;.*/s, '')}`,
      {
        hint: "name its authority's file as ca in registries.yaml, or add it to the machine's certificates",
        cause: error,
      },
    )
  }
  const [why, hint] = EXPLAINED[code] ?? [error.message]
  return new ShaleError('REGISTRY_UNREACHABLE', `cannot reach ${url.protocol}//${url.host}: ${why}`, {
    hint,
    cause: error,
  })
}
