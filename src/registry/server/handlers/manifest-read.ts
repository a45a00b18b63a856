import { type Digest, isDigest } from '../../../oci/digest.ts'
import type { Call } from '../call.ts'
import { empty, type RegistryResponse, refusal } from '../http/message.ts'
import { matchesTag } from '../http/range.ts'
import type { ManifestRecord } from '../metadata.ts'
import { isTag } from '../names.ts'

/** GET and HEAD of `/v2/<name>/manifests/<reference>` (end-3). */
export async function readManifest(call: Call): Promise<RegistryResponse> {
  const { registry, request, repository, target } = call
  const found = await findManifest(call)
  if (found === undefined) return await unknownManifest(call)
  const { digest, mediaType, size } = found
  const etag = `"${digest}"`
  const headers = {
    'Content-Type': mediaType,
    'Content-Length': String(size),
    'Docker-Content-Digest': digest,
    ETag: etag,
  }
  if (matchesTag(request.header('if-none-match'), etag))
    return empty(304, { ETag: etag, 'Docker-Content-Digest': digest })
  if (request.method === 'HEAD') return { status: 200, headers }
  try {
    const body = registry.manifests.peek(digest) ?? (await registry.manifests.load(digest, size))
    return { status: 200, headers, body }
  } catch (error) {
    // Lost or damaged in this moment: from now on it is not there.
    if ((await registry.metadata.manifests.get(repository, digest)) !== undefined) throw error
    return manifestUnknown(target)
  }
}

export async function findManifest({ registry, repository, target }: Call): Promise<ManifestRecord | undefined> {
  const { manifests, tags } = registry.metadata
  if (isDigest(target)) return await manifests.get(repository, target)
  return isTag(target) ? await tags.resolve(repository, target) : undefined
}

async function unknownManifest({ registry, repository, target }: Call): Promise<RegistryResponse> {
  if (target.includes(':') && !isDigest(target)) return badDigest(target)
  if (await registry.metadata.repositories.has(repository)) return manifestUnknown(target)
  return nameUnknown(repository)
}

export function manifestUnknown(target: string): RegistryResponse {
  const what = isDigest(target) ? { digest: target } : { tag: target }
  return refusal(404, { code: 'MANIFEST_UNKNOWN', message: 'manifest unknown', detail: what })
}

export function nameUnknown(repository: string): RegistryResponse {
  const message = 'repository name not known to registry'
  return refusal(404, { code: 'NAME_UNKNOWN', message, detail: { name: repository } })
}

export function badDigest(text: string): RegistryResponse {
  const message = 'not a sha256 or sha512 digest in lower-case hex'
  return refusal(400, { code: 'DIGEST_INVALID', message, detail: { digest: text.slice(0, 200) } })
}

/** The digest in a path or query, or what to answer. */
export function digestOr(text: string): Digest | RegistryResponse {
  return isDigest(text) ? text : badDigest(text)
}
