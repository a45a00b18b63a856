import { createHash, type Hash } from 'node:crypto'
import { ShaleError } from '../../error.ts'
import { type Digest, digestAlgorithm, digestHex } from '../../oci/digest.ts'
import { expectStatus } from './failure.ts'
import { discard, type HttpResponse } from './http.ts'
import type { Registry } from './registry.ts'
import { isTransient } from './retry.ts'
import { pullScope } from './scope.ts'

export interface BlobAddress {
  readonly repository: string
  readonly digest: Digest
}

const MAX_RESUMES = 5

/** A blob's bytes, verified: as `receiveBlob`, and throws `BLOB_DIGEST_MISMATCH` at the end when they are others. */
export async function* readBlob(
  registry: Registry,
  address: BlobAddress,
  size: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const hash = createHash(digestAlgorithm(address.digest))
  for await (const chunk of receiveBlob(registry, address, size, signal)) {
    hash.update(chunk)
    yield chunk
  }
  verify(hash, registry, address)
}

/**
 * A blob's bytes, `size` of them less those before `from` (0 if absent), for receivers that verify the digest by themselves. A connection that is cut
 * is taken up again where it ended. Throws `BLOB_SIZE_MISMATCH` as soon as there are more, and when there are fewer.
 */
export async function* receiveBlob(
  registry: Registry,
  address: BlobAddress,
  size: number,
  signal?: AbortSignal,
  from = 0,
): AsyncGenerator<Uint8Array> {
  let received = from
  for (let resumes = 0; received < size || size === 0; resumes++) {
    const before = received
    try {
      for await (const chunk of openBlob(registry, address, received, signal)) {
        received += chunk.byteLength
        if (received > size) throw sizeMismatch(registry, address, size, `more than ${size}`)
        yield chunk
      }
      if (received < size) throw cutShort(registry, address)
      return
    } catch (error) {
      signal?.throwIfAborted()
      const goesOn = isTransient(error) || isCut(error)
      if (!goesOn || resumes >= MAX_RESUMES) {
        throw received < size && error instanceof ShaleError && error.code === 'BLOB_CUT'
          ? sizeMismatch(registry, address, size, String(received))
          : error
      }
      // A connection that brings bytes each time may be cut as often as it likes.
      if (received > before) resumes = -1
      else await registry.pause(resumes + 1, signal)
    }
  }
}

async function* openBlob(
  registry: Registry,
  address: BlobAddress,
  offset: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const response = await registry.send({
    method: 'GET',
    path: blobPath(address),
    // Proxies must not compress what is verified byte by byte.
    headers: { 'accept-encoding': 'identity', ...(offset > 0 && { range: `bytes=${offset}-` }) },
    scopes: pullScope(address.repository),
    signal,
  })
  await expectStatus(response, offset > 0 ? [200, 206] : [200], {
    doing: 'get blob',
    target: blobName(registry, address),
    registry: registry.name,
  })
  let skip = toSkip(response, offset)
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    if (skip >= chunk.byteLength) skip -= chunk.byteLength
    else {
      yield skip > 0 ? chunk.subarray(skip) : chunk
      skip = 0
    }
  }
}

/** Bytes of the answer that we have already: a server may give all of the blob, or begin earlier than asked. */
function toSkip(response: HttpResponse, offset: number): number {
  if (response.status === 200) return offset
  const start = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1]
  const skip = offset - Number(start ?? Number.NaN)
  if (skip >= 0) return skip
  response.body.destroy()
  throw new ShaleError('BAD_RANGE', `the registry answered with another part of a blob than bytes ${offset} on`)
}

export async function hasBlob(registry: Registry, address: BlobAddress, signal?: AbortSignal): Promise<boolean> {
  const response = await registry.send({
    method: 'HEAD',
    path: blobPath(address),
    scopes: pullScope(address.repository),
    signal,
  })
  discard(response)
  if (response.status === 404) return false
  await expectStatus(response, [200], {
    doing: 'look up blob',
    target: blobName(registry, address),
    registry: registry.name,
  })
  return true
}

export function blobName(registry: Registry, { repository, digest }: BlobAddress): string {
  return `${registry.name}/${repository}@${digest}`
}

function blobPath({ repository, digest }: BlobAddress): string {
  return `/v2/${repository}/blobs/${digest}`
}

function isCut(error: unknown): boolean {
  if (error instanceof ShaleError) return error.code === 'BLOB_CUT'
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}

function cutShort(registry: Registry, address: BlobAddress): ShaleError {
  return new ShaleError('BLOB_CUT', `the connection ended within ${blobName(registry, address)}`)
}

function sizeMismatch(registry: Registry, address: BlobAddress, size: number, got: string): ShaleError {
  return new ShaleError(
    'BLOB_SIZE_MISMATCH',
    `${blobName(registry, address)} is not what the manifest says: expected ${size} bytes, got ${got}`,
  )
}

function verify(hash: Hash, registry: Registry, address: BlobAddress): void {
  const hex = hash.digest('hex')
  if (hex === digestHex(address.digest)) return
  throw new ShaleError(
    'BLOB_DIGEST_MISMATCH',
    `${blobName(registry, address)} is not what its digest says: got ${digestAlgorithm(address.digest)}:${hex}`,
    { hint: 'the registry or something between is damaged; try again' },
  )
}
