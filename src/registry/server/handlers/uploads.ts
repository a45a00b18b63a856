import { type Digest, type DigestAlgorithm, digestAlgorithm, isDigest } from '../../../oci/digest.ts'
import type { Chunk, Finished } from '../blob-storage.ts'
import { type Call, queryOf } from '../call.ts'
import { empty, type Headers, type RegistryResponse, refusal } from '../http/message.ts'
import { parseContentRange } from '../http/range.ts'
import { contentLength, hasBody } from './body.ts'
import { badDigest } from './manifest-read.ts'
import { mountBlob } from './mount.ts'

/** How long a client should wait when another process has the upload: that is sure to know when its writer died. */
const BUSY_SECONDS = 3

/** POST of `/v2/<name>/blobs/uploads/` (end-4a, 4b, 4c of the 1.2 draft, and the mount, end-11). */
export async function beginUpload(call: Call): Promise<RegistryResponse> {
  const query = queryOf(call)
  const mount = query.get('mount')
  if (mount !== null) {
    const mounted = await mountBlob(call, mount, query.get('from') ?? undefined)
    if (mounted !== undefined) return blobCreated(call, mounted)
  }
  const digest = mount === null ? query.get('digest') : null
  if (digest !== null && !isDigest(digest)) return badDigest(digest)
  const algorithm = query.get('digest-algorithm')
  if (algorithm !== null && !isAlgorithm(algorithm)) return badAlgorithm(algorithm)
  const { id } = await call.registry.blobs.uploads.begin(call.repository)
  if (digest === null) return progress(202, call, id, 0, algorithm ?? undefined)
  const refused = await writeChunk(call, id, digestAlgorithm(digest))
  return refused ?? (await complete(call, id, digest))
}

function isAlgorithm(text: string): text is DigestAlgorithm {
  return text === 'sha256' || text === 'sha512'
}

function badAlgorithm(algorithm: string): RegistryResponse {
  const message = 'this registry knows sha256 and sha512'
  return refusal(400, { code: 'DIGEST_INVALID', message, detail: { algorithm: algorithm.slice(0, 100) } })
}

/** PATCH of an upload (end-5): one chunk with Content-Range, or all that comes. */
export async function patchUpload(call: Call): Promise<RegistryResponse> {
  const algorithm = queryOf(call).get('digest-algorithm')
  const refused = await writeChunk(call, call.target, algorithm === 'sha512' ? 'sha512' : 'sha256')
  return refused ?? (await uploadStatus(call, 202))
}

/** PUT of an upload (end-6): the last chunk, or nothing, and the digest. */
export async function finishUpload(call: Call): Promise<RegistryResponse> {
  const digest = queryOf(call).get('digest')
  if (digest === null || !isDigest(digest)) return badDigest(digest ?? '')
  if (hasBody(call.request)) {
    const refused = await writeChunk(call, call.target, digestAlgorithm(digest))
    if (refused !== undefined) return refused
  }
  return await complete(call, call.target, digest)
}

/** GET of an upload (end-13). */
export function readUpload(call: Call): Promise<RegistryResponse> {
  return uploadStatus(call, 204)
}

async function uploadStatus(call: Call, status: number): Promise<RegistryResponse> {
  const state = await call.registry.blobs.uploads.state(call.repository, call.target)
  if (state === undefined) return unknownUpload(call.target)
  return progress(status, call, state.id, state.size, queryOf(call).get('digest-algorithm') ?? undefined)
}

/** DELETE of an upload (end-14). */
export async function cancelUpload({ registry, repository, target }: Call): Promise<RegistryResponse> {
  return (await registry.blobs.uploads.cancel(repository, target)) ? empty(204) : unknownUpload(target)
}

/** What to answer when the chunk was not taken. */
async function writeChunk(call: Call, id: string, algorithm: DigestAlgorithm): Promise<RegistryResponse | undefined> {
  const { registry, request } = call
  const { limits, writing } = registry
  const length = contentLength(request)
  const header = request.header('content-range')
  const range = header === undefined ? undefined : parseContentRange(header)
  if (header !== undefined && range === undefined)
    return await outOfOrder(call, id, `not a range: ${header.slice(0, 100)}`)
  if (range !== undefined && length !== undefined && range.end - range.start !== length) {
    const message = `Content-Range has ${range.end - range.start} bytes, Content-Length says ${length}`
    return refusal(400, { code: 'SIZE_INVALID', message })
  }
  if ((range?.end ?? length ?? 0) > limits.upload) return tooLarge(limits.upload)
  if (writing.count >= limits.uploads) return tooMany()
  writing.count++
  try {
    const { body, interrupt } = request
    return await append(call, id, { offset: range?.start, body, interrupt, limit: limits.upload, algorithm })
  } finally {
    writing.count--
  }
}

async function append(call: Call, id: string, chunk: Chunk): Promise<RegistryResponse | undefined> {
  const { registry, repository } = call
  const result = await registry.blobs.uploads.append(repository, id, chunk)
  switch (result.kind) {
    case 'appended':
      return undefined
    case 'offset':
      return await outOfOrder(call, id, `the upload has ${result.size} bytes, the chunk begins at ${chunk.offset}`)
    case 'too-large':
      return tooLarge(registry.limits.upload)
    case 'unknown':
      return unknownUpload(id)
    case 'busy':
      return busy()
    default:
      return result satisfies never
  }
}

async function complete(call: Call, id: string, digest: Digest): Promise<RegistryResponse> {
  const { registry, repository } = call
  const finished: Finished = await registry.blobs.uploads.finish(repository, id, digest)
  switch (finished.kind) {
    case 'finished': {
      const linked = await registry.metadata.blobs.link(repository, digest)
      return linked ? blobCreated(call, digest) : lostBlob(digest)
    }
    case 'mismatch': {
      const message = `the content that was uploaded has another digest: ${finished.digest}`
      return refusal(400, { code: 'DIGEST_INVALID', message, detail: { digest } })
    }
    case 'unknown':
      return unknownUpload(id)
    case 'busy':
      return busy()
    default:
      return finished satisfies never
  }
}

function blobCreated({ repository }: Call, digest: Digest): RegistryResponse {
  return empty(201, { Location: `/v2/${repository}/blobs/${digest}`, 'Docker-Content-Digest': digest })
}

function lostBlob(digest: Digest): RegistryResponse {
  return refusal(500, { code: 'UNKNOWN', message: `the storage has lost ${digest}; upload it again` })
}

/** Where the upload is. The end of the range is the last byte; as docker's registry has it, `0-0` stands for none too. */
function progress(
  status: number,
  call: Call,
  id: string,
  size: number,
  algorithm: string | undefined,
): RegistryResponse {
  return empty(status, progressHeaders(call, id, size, algorithm))
}

function progressHeaders({ repository }: Call, id: string, size: number, algorithm: string | undefined): Headers {
  const query = algorithm === undefined ? '' : `?digest-algorithm=${encodeURIComponent(algorithm)}`
  return {
    Location: `/v2/${repository}/blobs/uploads/${id}${query}`,
    Range: `0-${Math.max(0, size - 1)}`,
    'Docker-Upload-UUID': id,
  }
}

async function outOfOrder(call: Call, id: string, message: string): Promise<RegistryResponse> {
  const state = await call.registry.blobs.uploads.state(call.repository, id)
  if (state === undefined) return unknownUpload(id)
  const algorithm = queryOf(call).get('digest-algorithm') ?? undefined
  return refusal(416, { code: 'RANGE_INVALID', message }, progressHeaders(call, id, state.size, algorithm))
}

function unknownUpload(id: string): RegistryResponse {
  const message = 'there is no such upload: it was finished, cancelled, or has expired'
  return refusal(404, { code: 'BLOB_UPLOAD_UNKNOWN', message, detail: { id: id.slice(0, 100) } })
}

function tooLarge(limit: number): RegistryResponse {
  return refusal(413, { code: 'SIZE_INVALID', message: `a blob may have ${limit} bytes in this registry` })
}

function tooMany(): RegistryResponse {
  const message = 'too many uploads at the same time'
  return refusal(429, { code: 'TOOMANYREQUESTS', message }, { 'Retry-After': '1' })
}

function busy(): RegistryResponse {
  const message = 'another request is writing to this upload'
  return refusal(503, { code: 'BLOB_UPLOAD_INVALID', message }, { 'Retry-After': String(BUSY_SECONDS) })
}
