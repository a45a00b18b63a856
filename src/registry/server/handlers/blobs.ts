import { isDigest } from '../../../oci/digest.ts'
import type { Call } from '../call.ts'
import { empty, type Headers, type RegistryResponse, refusal } from '../http/message.ts'
import { type ByteRange, matchesTag, parseRange } from '../http/range.ts'
import { badDigest } from './manifest-read.ts'

/** GET and HEAD of `/v2/<name>/blobs/<digest>` (end-2), with Range. */
export async function readBlob(call: Call): Promise<RegistryResponse> {
  const { registry, request, repository, target } = call
  if (!isDigest(target)) return badDigest(target)
  if (!(await registry.metadata.blobs.has(repository, target))) return unknownBlob(target)
  const etag = `"${target}"`
  const fixed = {
    ETag: etag,
    'Docker-Content-Digest': target,
    'Cache-Control': 'private, max-age=31536000, immutable',
    'Accept-Ranges': 'bytes',
  }
  if (request.method === 'HEAD') {
    const size = await registry.blobs.size(target)
    return size === undefined ? unknownBlob(target) : { status: 200, headers: whole(fixed, size) }
  }
  if (matchesTag(request.header('if-none-match'), etag)) return empty(304, fixed)
  const blob = await registry.blobs.open(target)
  if (blob === undefined) return unknownBlob(target)
  const ifRange = request.header('if-range')
  const range = ifRange === undefined || ifRange === etag ? parseRange(request.header('range'), blob.size) : undefined
  if (range === 'unsatisfiable') {
    await blob.close()
    const message = `the blob has ${blob.size} bytes`
    return refusal(416, { code: 'RANGE_INVALID', message }, { 'Content-Range': `bytes */${blob.size}` })
  }
  const { start, end } = range ?? { start: 0, end: blob.size }
  return {
    status: range === undefined ? 200 : 206,
    headers: range === undefined ? whole(fixed, blob.size) : part(fixed, range, blob.size),
    body: { chunks: blob.read(start, end), close: () => blob.close() },
  }
}

function whole(fixed: Headers, size: number): Headers {
  return { ...fixed, 'Content-Type': 'application/octet-stream', 'Content-Length': String(size) }
}

function part(fixed: Headers, { start, end }: ByteRange, size: number): Headers {
  const headers = whole(fixed, end - start)
  return { ...headers, 'Content-Range': `bytes ${start}-${end - 1}/${size}` }
}

export function unknownBlob(digest: string): RegistryResponse {
  return refusal(404, { code: 'BLOB_UNKNOWN', message: 'blob unknown to registry', detail: { digest } })
}

/** DELETE of `/v2/<name>/blobs/<digest>` (end-10). */
export async function deleteBlob({ registry, repository, target }: Call): Promise<RegistryResponse> {
  if (!isDigest(target)) return badDigest(target)
  const result = await registry.metadata.blobs.unlink(repository, target)
  if (result === 'unlinked') return empty(202)
  if (result === 'unknown') return unknownBlob(target)
  const message = `a manifest of ${repository} names this blob: delete that first`
  return refusal(405, { code: 'UNSUPPORTED', message, detail: { digest: target } })
}
