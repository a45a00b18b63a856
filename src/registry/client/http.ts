import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { ShaleError } from '../../error.ts'

/** What is sent; `open` may be called again when the request is repeated, and gives the same bytes each time. */
export interface RequestBody {
  /** Bytes. */
  readonly size: number
  open(): AsyncIterable<Uint8Array>
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: RequestBody
  readonly signal?: AbortSignal | undefined
  /** What the request needs to be allowed, as token scopes: `repository:library/debian:pull`. */
  readonly scopes?: readonly string[]
  /** Not to be repeated by itself after a failure. */
  readonly once?: boolean
  /** The answer is a document of at most this many bytes; it is given when all of it is there. */
  readonly whole?: number
}

/** The body must be read to its end or destroyed by whoever gets the response. */
export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Where it came from in the end, redirects followed. */
  readonly url: URL
  readonly body: Readable
}

/** Sends one request and gives the response whatever its status; throws when there is none. */
export type Transport = (request: HttpRequest) => Promise<HttpResponse>

/** Adds one concern (retry, authorization, redirects) around a transport. */
export type Interceptor = (next: Transport) => Transport

/** The first interceptor sees a request first. */
export function compose(transport: Transport, ...interceptors: readonly Interceptor[]): Transport {
  return interceptors.reduceRight((next, interceptor) => interceptor(next), transport)
}

export function bytesBody(bytes: Uint8Array): RequestBody {
  return {
    size: bytes.byteLength,
    async *open() {
      yield bytes
    },
  }
}

/** Lets go of a response that nobody will read; a short rest is read so that the connection can be used again. */
export function discard(response: HttpResponse): void {
  response.body.on('error', () => undefined)
  const length = Number(response.headers['content-length'] ?? Number.NaN)
  if (length <= 64 * 1024) response.body.resume()
  else response.body.destroy()
}

/** The whole body, at most `limit` bytes: throws `RESPONSE_TOO_LARGE` beyond. */
export async function readBody(response: HttpResponse, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > limit) {
      throw new ShaleError('RESPONSE_TOO_LARGE', `${displayUrl(response.url)} sent more than ${limit} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

/** A URL for messages: no credentials, and no query, which may hold a signature. */
export function displayUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

/** True for hosts that cannot leave this machine. */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(hostname)
}
