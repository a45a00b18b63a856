import { createHash } from 'node:crypto'
import { ShaleError } from '../../error.ts'
import { type Digest, digestAlgorithm, digestHex, isDigest, sha256 } from '../../oci/digest.ts'
import { MAX_DOCUMENT_BYTES } from '../../oci/manifest.ts'
import { MediaType } from '../../oci/media-types.ts'
import { expectStatus } from './failure.ts'
import { bytesBody, discard, type HttpResponse, readBody } from './http.ts'
import type { Registry } from './registry.ts'
import { pullScope, pushScope } from './scope.ts'
import { tagHint } from './tags.ts'

/** Where a manifest is: a repository of a registry, and a tag or digest in it. */
export interface ManifestAddress {
  readonly repository: string
  /** A tag or a digest. */
  readonly reference: string
}

export interface RemoteManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly raw: Buffer
}

const ACCEPT = [
  MediaType.ociIndex,
  MediaType.ociManifest,
  MediaType.dockerIndex,
  MediaType.dockerManifest,
  // Asked for so that it can be refused by name; many registries answer 404 otherwise.
  MediaType.dockerSchema1Signed,
  MediaType.dockerSchema1,
].join(', ')

/** Gets a manifest or index, verified against its digest when that is asked for. Throws `NOT_FOUND` and the like. */
export async function getManifest(
  registry: Registry,
  address: ManifestAddress,
  signal?: AbortSignal,
): Promise<RemoteManifest> {
  const response = await registry.send({
    method: 'GET',
    ...manifestRequest(address, signal),
    whole: MAX_DOCUMENT_BYTES,
  })
  if (response.status === 404) {
    const notFound = await tagHint(registry, address, signal)
    await expectStatus(response, [200], { ...attempt('pull', registry, address), notFound })
  }
  await expectStatus(response, [200], attempt('pull', registry, address))
  const mediaType = contentType(response)
  const raw = await readBody(response, MAX_DOCUMENT_BYTES)
  return { digest: verified(raw, response, registry, address), mediaType, raw }
}

/** Digest and media type of a manifest without its bytes; undefined when it is not there or no digest is given. */
export async function headManifest(
  registry: Registry,
  address: ManifestAddress,
  signal?: AbortSignal,
): Promise<{ readonly digest: Digest; readonly mediaType: string } | undefined> {
  const response = await registry.send({ method: 'HEAD', ...manifestRequest(address, signal) })
  discard(response)
  if (response.status === 404) return undefined
  await expectStatus(response, [200], attempt('look up', registry, address))
  const digest = isDigest(address.reference) ? address.reference : headerDigest(response)
  return digest === undefined ? undefined : { digest, mediaType: contentType(response) }
}

/** What a registry says of a manifest that it has taken. */
export interface PutAnswer {
  /** The digest that it has there. */
  readonly digest?: Digest | undefined
  /** The manifest that this one refers to, when the registry will list it among that one's referrers. */
  readonly subject?: Digest | undefined
}

/** Uploads a manifest or index under a tag or its digest; what it refers to must be there already. */
export async function putManifest(
  registry: Registry,
  address: ManifestAddress,
  raw: Uint8Array,
  mediaType: string,
  signal?: AbortSignal,
): Promise<PutAnswer> {
  const response = await registry.send({
    method: 'PUT',
    path: manifestPath(address),
    headers: { 'content-type': mediaType },
    body: bytesBody(raw),
    scopes: pushScope(address.repository),
    signal,
  })
  await expectStatus(response, [200, 201, 202], attempt('push', registry, address))
  discard(response)
  return { digest: headerDigest(response), subject: headerDigest(response, 'oci-subject') }
}

export function manifestName(registry: Registry, { repository, reference }: ManifestAddress): string {
  return `${registry.name}/${repository}${isDigest(reference) ? '@' : ':'}${reference}`
}

function manifestPath({ repository, reference }: ManifestAddress): string {
  return `/v2/${repository}/manifests/${reference}`
}

function manifestRequest(address: ManifestAddress, signal: AbortSignal | undefined) {
  return {
    path: manifestPath(address),
    headers: { accept: ACCEPT },
    scopes: pullScope(address.repository),
    signal,
  }
}

function attempt(doing: string, registry: Registry, address: ManifestAddress) {
  return { doing, target: manifestName(registry, address), registry: registry.name }
}

function contentType(response: HttpResponse): string {
  return (response.headers['content-type'] ?? '').replace(/;.*$/, '').trim()
}

function headerDigest({ headers }: HttpResponse, name = 'docker-content-digest'): Digest | undefined {
  const header = headers[name]
  return typeof header === 'string' && isDigest(header) ? header : undefined
}

/** The digest that was asked for, else the one that the registry names, else sha256; the bytes must have it. */
function verified(raw: Buffer, response: HttpResponse, registry: Registry, address: ManifestAddress): Digest {
  const expected = isDigest(address.reference) ? address.reference : headerDigest(response)
  if (expected === undefined) return sha256(raw)
  const hex = createHash(digestAlgorithm(expected)).update(raw).digest('hex')
  if (hex !== digestHex(expected)) {
    throw new ShaleError(
      'BLOB_DIGEST_MISMATCH',
      `${manifestName(registry, address)} is not what its digest says: expected ${expected}, got ${digestAlgorithm(expected)}:${hex}`,
    )
  }
  return expected
}
