import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { bodyOf } from './body.ts'
import type { Answered, Handler, RegistryRequest, RegistryResponse, RequestTrace, StreamBody } from './message.ts'
import type { Pace, Pacing } from './pace.ts'

/** How long what is left of a body is read after it was refused: some clients look for an answer only at its end. */
const LINGER_MS = 5_000
const SMALL_BYTES = 64 * 1024

export interface Observer {
  /** What to answer when a handler throws; undefined when nobody waits for an answer any more. */
  readonly failed: (error: unknown, request: RegistryRequest, isGone: boolean) => RegistryResponse | undefined
  readonly answered: (request: RegistryRequest, answer: Answered) => void
}

/** Node's requests and responses as the handler's. */
export function nodeListener(handler: Handler, observer: Observer, pace: Pace): RequestListener {
  return (incoming, outgoing) => {
    const start = performance.now()
    const request = requestOf(incoming, pace)
    outgoing.once('close', () => {
      observer.answered(request, { status: outgoing.statusCode, milliseconds: performance.now() - start })
    })
    handler(request)
      .catch(error => observer.failed(error, request, incoming.destroyed && !incoming.complete))
      .then(async response => {
        if (response === undefined) outgoing.destroy()
        else await send(response, { request, incoming, outgoing, pace })
      })
      .catch(() => outgoing.destroy())
  }
}

function requestOf(incoming: IncomingMessage, pace: Pace): RegistryRequest {
  const url = incoming.url ?? '/'
  const mark = url.indexOf('?')
  return {
    method: incoming.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? '' : url.slice(mark + 1),
    header: name => {
      const value = incoming.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    get body() {
      return bodyOf(incoming, pace)
    },
    interrupt: () => void incoming.destroy(new Error('another request goes on with this upload')),
    get address() {
      return incoming.socket.remoteAddress ?? ''
    },
    trace: { route: 'none', user: undefined, bytes: 0 },
  }
}

interface Exchange {
  readonly request: RegistryRequest
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly pace: Pace
}

async function send(
  response: RegistryResponse,
  { request: { trace }, incoming, outgoing, pace }: Exchange,
): Promise<void> {
  const { status, headers, body } = response
  if (!incoming.complete && hasBody(incoming)) {
    outgoing.setHeader('Connection', 'close')
    linger(incoming)
  }
  outgoing.writeHead(status, headers)
  if (body === undefined || incoming.method === 'HEAD') {
    if (isStream(body)) await body.close()
    outgoing.end()
  } else if (isStream(body))
    await stream(
      body,
      trace,
      outgoing,
      pace.begin(() => outgoing.destroy()),
    )
  else {
    trace.bytes = body.length
    outgoing.end(oneWrite(body), 'latin1')
  }
}

/** Node sends headers and body in one write when the body is a string; in Latin-1 that is any bytes. */
function oneWrite(body: Uint8Array | string): Uint8Array | string {
  if (typeof body === 'string') return Buffer.from(body, 'utf8').toString('latin1')
  if (body.byteLength > SMALL_BYTES) return body
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
}

function isStream(body: RegistryResponse['body']): body is StreamBody {
  return typeof body === 'object' && 'chunks' in body
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function linger(incoming: IncomingMessage): void {
  const timer = setTimeout(() => incoming.destroy(), LINGER_MS).unref()
  incoming.once('close', () => clearTimeout(timer))
  incoming.on('error', () => {})
  incoming.resume()
}

/**
 * Reads no faster than the other end takes it, and asks for the next chunk when the last has gone out: its memory is
 * used again. When reading fails, or the other end is too slow, the connection breaks off: the length is wrong.
 */
async function stream(
  { chunks, close }: StreamBody,
  trace: RequestTrace,
  outgoing: ServerResponse,
  pacing: Pacing,
): Promise<void> {
  try {
    for await (const chunk of chunks) {
      trace.bytes += chunk.byteLength
      pacing.wait(chunk.byteLength)
      if (!(await written(outgoing, chunk))) return
      pacing.moved()
    }
    outgoing.end()
  } finally {
    pacing.end()
    await close()
  }
}

/** False when the other end is gone. */
function written(outgoing: ServerResponse, chunk: Uint8Array): Promise<boolean> {
  return new Promise(resolve => {
    if (outgoing.destroyed) return resolve(false)
    const gone = () => resolve(false)
    outgoing.once('close', gone)
    outgoing.write(chunk, error => {
      outgoing.off('close', gone)
      resolve(!error)
    })
  })
}
