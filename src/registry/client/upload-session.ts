import { ShaleError } from '../../error.ts'
import { type BlobAddress, blobName } from './blobs.ts'
import { type Attempt, expectStatus } from './failure.ts'
import { discard, displayUrl, type HttpResponse, type RequestBody } from './http.ts'
import { resolveLocation } from './redirect.ts'
import type { Registry } from './registry.ts'
import { pushScope } from './scope.ts'

/** An upload session that a registry has opened: where the bytes go. */
export interface UploadSession {
  readonly url: URL
  /** The registry wants chunks of at least this many bytes; 0 if it does not say. */
  readonly minChunk: number
}

/** One blob on its way into a repository. */
export interface Uploading {
  readonly registry: Registry
  readonly address: BlobAddress
  readonly signal?: AbortSignal | undefined
}

export async function startUpload(uploading: Uploading): Promise<UploadSession> {
  const { address } = uploading
  const response = await postUpload(uploading, '', pushScope(address.repository))
  return sessionOf(response)
}

/**
 * Asks the registry to take a blob over from another of its repositories. Gives the session that it opens instead when
 * it does not do that. Source: OCI distribution-spec v1.1, "Mounting a blob from another repository".
 */
export async function mountBlob(
  registry: Registry,
  address: BlobAddress,
  from: string,
  signal?: AbortSignal,
): Promise<'mounted' | UploadSession> {
  const query = new URLSearchParams({ mount: address.digest, from })
  const scopes = pushScope(address.repository, from)
  const response = await postUpload({ registry, address, signal }, `?${query}`, scopes)
  if (response.status === 201) return 'mounted'
  return sessionOf(response)
}

async function postUpload(uploading: Uploading, query: string, scopes: readonly string[]): Promise<HttpResponse> {
  const { registry, address, signal } = uploading
  const path = `/v2/${address.repository}/blobs/uploads/${query}`
  const response = await registry.send({ method: 'POST', path, scopes, signal })
  await expectStatus(response, query === '' ? [202] : [201, 202], uploadAttempt(uploading))
  discard(response)
  return response
}

/** Sends all of the rest and says that the blob is whole. Any status may come back, the body is gone. */
export async function putUpload(uploading: Uploading, url: URL, body: RequestBody): Promise<HttpResponse> {
  const { registry, address, signal } = uploading
  return await registry.send({
    method: 'PUT',
    path: withDigest(url, address.digest),
    headers: { 'content-type': 'application/octet-stream' },
    body,
    scopes: pushScope(address.repository),
    once: true,
    signal,
  })
}

/** Appends the bytes from an offset on. Source: OCI distribution-spec v1.1, "Pushing a blob in chunks". */
export async function patchUpload(
  uploading: Uploading,
  url: URL,
  offset: number,
  body: RequestBody,
): Promise<HttpResponse> {
  const { registry, address, signal } = uploading
  return await registry.send({
    method: 'PATCH',
    path: url,
    headers: {
      'content-type': 'application/octet-stream',
      'content-range': `${offset}-${offset + body.size - 1}`,
    },
    body,
    scopes: pushScope(address.repository),
    once: true,
    signal,
  })
}

/** How far an upload has come. */
export interface UploadStatus {
  readonly url: URL
  /** Bytes that the registry has. */
  readonly offset: number
}

/** Asks how far an upload has come; undefined when the registry does not know it any more. */
export async function uploadStatus(uploading: Uploading, url: URL): Promise<UploadStatus | undefined> {
  const { registry, address, signal } = uploading
  const response = await registry.send({ method: 'GET', path: url, scopes: pushScope(address.repository), signal })
  discard(response)
  if (response.status !== 204 && response.status !== 200) return undefined
  const offset = receivedBytes(response)
  return offset === undefined ? undefined : { url: nextUrl(response, url), offset }
}

/** Bytes that a `range: 0-N` header speaks of; N = 0 is taken for nothing, which is what registries mean by it. */
export function receivedBytes({ headers }: HttpResponse): number | undefined {
  const last = /^(?:bytes=)?0-(\d+)$/.exec(String(headers.range ?? ''))?.[1]
  if (last === undefined) return undefined
  return last === '0' ? 0 : Number(last) + 1
}

/** Where the upload goes on: registries may say another address in each answer. */
export function nextUrl({ headers, url: from }: HttpResponse, url: URL): URL {
  return headers.location === undefined ? url : resolveLocation(from, headers.location)
}

export function uploadAttempt({ registry, address }: Uploading): Attempt {
  return { doing: 'upload blob', target: blobName(registry, address), registry: registry.name }
}

function sessionOf(response: HttpResponse): UploadSession {
  const { location } = response.headers
  if (location === undefined) {
    throw new ShaleError('BAD_UPLOAD', `${displayUrl(response.url)} opened an upload without saying where`)
  }
  const least = Number(response.headers['oci-chunk-min-length'] ?? 0)
  return { url: resolveLocation(response.url, location), minChunk: Number.isSafeInteger(least) ? least : 0 }
}

/** The session's own query is kept byte for byte: some registries sign it. */
function withDigest(url: URL, digest: string): URL {
  const target = new URL(url)
  target.search = `${url.search}${url.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`
  return target
}
