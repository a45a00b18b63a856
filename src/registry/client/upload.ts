import { ShaleError } from '../../error.ts'
import type { Digest } from '../../oci/digest.ts'
import { type BlobAddress, blobName } from './blobs.ts'
import { expectStatus } from './failure.ts'
import { discard, displayUrl, type HttpResponse, type RequestBody } from './http.ts'
import { resolveLocation } from './redirect.ts'
import type { Registry } from './registry.ts'
import { isTransient } from './retry.ts'
import { pushScope } from './scope.ts'

/** An upload session that a registry has opened: where the bytes go. */
export interface UploadSession {
  readonly url: URL
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
  const response = await start(registry, address, `?${query}`, pushScope(address.repository, from), signal)
  if (response.status === 201) return 'mounted'
  return sessionOf(response)
}

const UPLOAD_ATTEMPTS = 3

/**
 * Uploads a whole blob in one request, into `session` if there is one. A session that failed on the way has taken some
 * of the bytes, so after a failure that may pass the next attempt opens another.
 */
export async function uploadBlob(
  registry: Registry,
  address: BlobAddress,
  body: RequestBody,
  session?: UploadSession,
  signal?: AbortSignal,
): Promise<void> {
  let opened = session
  for (let attempt = 1; ; attempt++) {
    try {
      opened ??= await startUpload(registry, address, signal)
      return await finishUpload(registry, address, opened, body, signal)
    } catch (error) {
      const passes = isTransient(error) || (error instanceof ShaleError && error.code === 'REGISTRY_FAILED')
      if (!passes || attempt >= UPLOAD_ATTEMPTS || signal?.aborted) throw error
      opened = undefined
    }
  }
}

async function startUpload(registry: Registry, address: BlobAddress, signal?: AbortSignal): Promise<UploadSession> {
  return sessionOf(await start(registry, address, '', pushScope(address.repository), signal))
}

async function finishUpload(
  registry: Registry,
  address: BlobAddress,
  { url }: UploadSession,
  body: RequestBody,
  signal?: AbortSignal,
): Promise<void> {
  const response = await registry.send({
    method: 'PUT',
    path: withDigest(url, address.digest),
    headers: { 'content-type': 'application/octet-stream' },
    body,
    scopes: pushScope(address.repository),
    once: true,
    signal,
  })
  await expectStatus(response, [200, 201, 202, 204], uploading(registry, address))
  discard(response)
}

async function start(
  registry: Registry,
  address: BlobAddress,
  query: string,
  scopes: readonly string[],
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  const path = `/v2/${address.repository}/blobs/uploads/${query}`
  const response = await registry.send({ method: 'POST', path, scopes, signal })
  await expectStatus(response, query === '' ? [202] : [201, 202], uploading(registry, address))
  discard(response)
  return response
}

function sessionOf(response: HttpResponse): UploadSession {
  const { location } = response.headers
  if (location === undefined) {
    throw new ShaleError('BAD_UPLOAD', `${displayUrl(response.url)} opened an upload without saying where`)
  }
  return { url: resolveLocation(response.url, location) }
}

/** The session's own query is kept byte for byte: some registries sign it. */
function withDigest(url: URL, digest: Digest): URL {
  const target = new URL(url)
  target.search = `${url.search}${url.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`
  return target
}

function uploading(registry: Registry, address: BlobAddress) {
  return { doing: 'upload blob', target: blobName(registry, address), registry: registry.name }
}
