import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { isErrno, ShaleError } from '../../../error.ts'
import { type WatchedFiles, watchFiles } from '../config/watched-file.ts'

export interface ListenOptions {
  /** Undefined: every address. */
  readonly host: string | undefined
  /** 0: a free one. */
  readonly port: number
  /** PEM files; read anew when they change. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** Called when changed TLS files cannot be used: the former stay in force. */
  readonly onTlsError: (error: unknown) => void
}

export interface Listening {
  /** `http://127.0.0.1:5000` */
  readonly url: string
  readonly connections: () => number
  /** Takes no new connections, lets requests end for so long (ms), then breaks them off. */
  stop(graceMs: number): Promise<void>
}

/** A connection over which nothing comes or goes for so long is closed. */
const IDLE_MS = 120_000
const HEADERS_MS = 20_000
/** Longer than proxies and clients keep theirs, so that none is closed while a request is on its way. */
const KEEP_ALIVE_MS = 75_000
const IDLE_LOOK_MS = 20
const MAX_CONNECTIONS = 4_096

/** Throws `ADDRESS_IN_USE`, `ADDRESS_UNUSABLE`, `TLS_FILES`. */
export async function listen(listener: RequestListener, options: ListenOptions): Promise<Listening> {
  const { server, files } = options.tls === undefined ? plain(listener) : secure(listener, options, options.tls)
  // An upload may take hours; what must not is its headers, and doing nothing.
  Object.assign(server, { requestTimeout: 0, headersTimeout: HEADERS_MS, keepAliveTimeout: KEEP_ALIVE_MS })
  server.setTimeout(IDLE_MS)
  server.maxConnections = MAX_CONNECTIONS
  let connections = 0
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', socket => {
    connections++
    socket.once('close', () => connections--)
  })
  try {
    server.listen(options.port, options.host)
    await once(server, 'listening')
  } catch (error) {
    files?.stop()
    throw cannotListen(error, options)
  }
  return {
    url: urlOf(server, options),
    connections: () => connections,
    async stop(graceMs) {
      files?.stop()
      const closed = once(server, 'close')
      server.close()
      // Connections are kept for a next request, also those that end their last one only now.
      const idle = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS)
      const all = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearInterval(idle)
      clearTimeout(all)
    },
  }
}

interface Made {
  readonly server: Server | TlsServer
  readonly files?: WatchedFiles
}

function plain(listener: RequestListener): Made {
  return { server: createServer(listener) }
}

function secure(
  listener: RequestListener,
  { onTlsError }: ListenOptions,
  { cert, key }: { readonly cert: string; readonly key: string },
): Made {
  const server = createTlsServer({ minVersion: 'TLSv1.2' }, listener)
  try {
    const use = ([certificate = Buffer.of(), secret = Buffer.of()]: readonly Buffer[]) =>
      server.setSecureContext({ cert: certificate, key: secret, minVersion: 'TLSv1.2' })
    return { server, files: watchFiles([cert, key], use, onTlsError) }
  } catch (cause) {
    throw new ShaleError('TLS_FILES', `cannot use the certificate ${cert} with the key ${key}: ${messageOf(cause)}`, {
      cause,
      hint: 'both are PEM files: the certificate with its chain, and the private key that belongs to it',
    })
  }
}

function cannotListen(cause: unknown, { host, port }: ListenOptions): ShaleError {
  const where = `${host ?? 'every address'}:${port}`
  if (isErrno(cause, 'EADDRINUSE')) {
    const hint = 'another program listens there, perhaps another registry: stop it, or choose with --address'
    return new ShaleError('ADDRESS_IN_USE', `cannot listen on ${where}: the address is in use`, { cause, hint })
  }
  const hint = isErrno(cause, 'EACCES') ? 'ports below 1024 are for root' : '--address is host:port'
  return new ShaleError('ADDRESS_UNUSABLE', `cannot listen on ${where}: ${messageOf(cause)}`, { cause, hint })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function urlOf(server: Server, { host, tls }: ListenOptions): string {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const name = host === undefined ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `${tls === undefined ? 'http' : 'https'}://${name}:${port}`
}
