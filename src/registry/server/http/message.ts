/** A request as the handler sees it: no socket, no server. */
export interface RegistryRequest {
  readonly method: string
  /** As sent, without query, still percent-encoded. */
  readonly path: string
  /** What follows the question mark; empty without. */
  readonly query: string
  /** A header's value; `name` in lower case. */
  header(name: string): string | undefined
  /** Each chunk is good until the next is asked for. */
  readonly body: AsyncIterable<Uint8Array>
  /** Makes `body` throw. */
  readonly interrupt: () => void
  /** The other end's IP address. */
  readonly address: string
  /** Filled in on the way, for metrics and log. */
  readonly trace: RequestTrace
}

export interface RequestTrace {
  /** Name of the route. */
  route: string
  user: string | undefined
  /** Of the answer's body. */
  bytes: number
}

export type Headers = Readonly<Record<string, string>>

/** A body that is sent as it is read; `close` is called once, however it ends. */
export interface StreamBody {
  readonly chunks: AsyncIterable<Uint8Array>
  readonly close: () => Promise<void>
}

/** For HEAD the body is left out by who sends it; Content-Length is a header like any other. */
export interface RegistryResponse {
  readonly status: number
  readonly headers: Headers
  readonly body?: Uint8Array | string | StreamBody | undefined
}

/** How a request ended; `milliseconds` is the time to the answer's end. */
export interface Answered {
  readonly status: number
  readonly milliseconds: number
}

export type Handler = (request: RegistryRequest) => Promise<RegistryResponse>

/** The codes of the distribution-spec 1.1, "Error Codes", and those that docker's registry added and clients know. */
export type ErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DENIED'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'PAGINATION_NUMBER_INVALID'
  | 'RANGE_INVALID'
  | 'SIZE_INVALID'
  | 'TAG_IMMUTABLE'
  | 'TAG_INVALID'
  | 'TOOMANYREQUESTS'
  | 'UNAUTHORIZED'
  | 'UNKNOWN'
  | 'UNSUPPORTED'

export interface ErrorItem {
  readonly code: ErrorCode
  readonly message: string
  readonly detail?: unknown
}

/** An error as the spec has it: `{"errors":[{"code":…,"message":…,"detail":…}]}`. */
export function refusal(
  status: number,
  errors: ErrorItem | readonly ErrorItem[],
  headers: Headers = {},
): RegistryResponse {
  const list = Array.isArray(errors) ? errors : [errors]
  return json(status, { errors: list }, headers)
}

export function json(status: number, value: unknown, headers: Headers = {}): RegistryResponse {
  const body = `${JSON.stringify(value)}\n`
  const length = String(Buffer.byteLength(body))
  return { status, headers: { 'Content-Type': 'application/json', 'Content-Length': length, ...headers }, body }
}

export function empty(status: number, headers: Headers = {}): RegistryResponse {
  return { status, headers: status === 204 || status === 304 ? headers : { 'Content-Length': '0', ...headers } }
}
