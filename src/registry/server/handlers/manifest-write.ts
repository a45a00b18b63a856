import { createHash } from 'node:crypto'
import { ShaleError } from '../../../error.ts'
import { type Digest, digestAlgorithm, isDigest, sha256 } from '../../../oci/digest.ts'
import { type Call, queryOf } from '../call.ts'
import { type ErrorItem, empty, type RegistryResponse, refusal } from '../http/message.ts'
import { matchesTag } from '../http/range.ts'
import type { NewManifest, Push, Pushed } from '../metadata.ts'
import { isTag } from '../names.ts'
import { readWhole } from './body.ts'
import { type DescribedManifest, describeManifest } from './manifest-document.ts'
import { badDigest, manifestUnknown } from './manifest-read.ts'

/** More tags than this in one request are a mistake; the spec asks for ten at least. */
const MAX_TAGS = 64

/** PUT of `/v2/<name>/manifests/<reference>` (end-7a), with `?tag=` once or several times (end-7b, drafted for 1.2). */
export async function putManifest(call: Call): Promise<RegistryResponse> {
  const { registry, request, repository, target } = call
  const where = targetOf(call)
  if ('status' in where) return where
  const limit = registry.limits.manifest
  const raw = await readWhole(request, limit)
  if (raw === 'too-large') return tooLarge(limit)
  const digest = digestLike(raw, where.digest)
  if (where.digest !== undefined && where.digest !== digest) return otherDigest(target, digest)
  const described = describe(raw, request.header('content-type'))
  if ('status' in described) return described
  const expect = await expectation(call, where.tags)
  if (typeof expect === 'object') return expect
  await registry.blobs.put(raw, digest)
  const push: Push = {
    tags: where.tags,
    by: call.user,
    isImmutable: tag => registry.isImmutable(repository, tag),
    expect,
  }
  const manifest: NewManifest = { digest, ...described }
  const pushed = await registry.metadata.manifests.put(repository, manifest, push)
  return pushed.kind === 'stored' ? stored(call, manifest, where.tags) : refused(repository, pushed)
}

interface Target {
  readonly digest: Digest | undefined
  readonly tags: readonly string[]
}

function targetOf(call: Call): Target | RegistryResponse {
  const { target } = call
  const extra = call.request.query === '' ? [] : queryOf(call).getAll('tag')
  if (target.includes(':') && !isDigest(target)) return badDigest(target)
  const tags = [...new Set(isDigest(target) ? extra : [target, ...extra])]
  const wrong = tags.find(tag => !isTag(tag))
  if (wrong !== undefined) return badTag(wrong)
  if (tags.length > MAX_TAGS) {
    return refusal(414, { code: 'TAG_INVALID', message: `more than ${MAX_TAGS} tags in one request` })
  }
  return { digest: isDigest(target) ? target : undefined, tags }
}

function badTag(tag: string): RegistryResponse {
  const message = 'a tag has at most 128 letters, digits, dots, dashes and underscores, and starts with none of . and -'
  return refusal(400, { code: 'TAG_INVALID', message, detail: { tag: tag.slice(0, 200) } })
}

function tooLarge(limit: number): RegistryResponse {
  const message = `the manifest has more than ${limit} bytes, which is this registry's limit`
  return refusal(413, { code: 'SIZE_INVALID', message })
}

/** In the algorithm of the digest that was asked for. */
function digestLike(raw: Uint8Array, wanted: Digest | undefined): Digest {
  if (wanted === undefined || digestAlgorithm(wanted) === 'sha256') return sha256(raw)
  return `sha512:${createHash('sha512').update(raw).digest('hex')}`
}

function otherDigest(wanted: string, digest: Digest): RegistryResponse {
  const message = `the manifest that was sent has another digest: ${digest}`
  return refusal(400, { code: 'DIGEST_INVALID', message, detail: { digest: wanted } })
}

function describe(raw: Uint8Array, mediaType: string | undefined): DescribedManifest | RegistryResponse {
  try {
    return describeManifest(raw, mediaType)
  } catch (error) {
    if (!(error instanceof ShaleError)) throw error
    return refusal(400, { code: 'MANIFEST_INVALID', message: error.message })
  }
}

/** If-Match: the digest that the tag must point at now; If-None-Match `*`: there must be no such tag. */
async function expectation(call: Call, tags: readonly string[]): Promise<Push['expect'] | RegistryResponse> {
  const { request, repository, registry } = call
  if (request.header('if-none-match')?.trim() === '*') return 'absent'
  const header = request.header('if-match')
  const [tag] = tags
  if (header === undefined || tag === undefined) return undefined
  const current = (await registry.metadata.tags.resolve(repository, tag))?.digest
  if (current !== undefined && matchesTag(header, `"${current}"`)) return current
  return moved(tag, current)
}

function stored(call: Call, { digest, subject }: NewManifest, tags: readonly string[]): RegistryResponse {
  return empty(201, {
    Location: `/v2/${call.repository}/manifests/${digest}`,
    'Docker-Content-Digest': digest,
    ...(subject !== undefined && { 'OCI-Subject': subject }),
    ...(tags.length > 0 && { 'OCI-Tag': tags.join(', ') }),
  })
}

function refused(repository: string, pushed: Exclude<Pushed, { readonly kind: 'stored' }>): RegistryResponse {
  switch (pushed.kind) {
    case 'missing':
      return refusal(400, [
        ...pushed.blobs.map((digest): ErrorItem => {
          const message = `the manifest names the blob ${digest}, which ${repository} does not have`
          return { code: 'MANIFEST_BLOB_UNKNOWN', message, detail: { digest } }
        }),
        ...pushed.manifests.map((digest): ErrorItem => {
          const message = `the index names the manifest ${digest}, which ${repository} does not have`
          return { code: 'MANIFEST_BLOB_UNKNOWN', message, detail: { digest } }
        }),
      ])
    case 'immutable':
      return immutable(repository, pushed.tag, pushed.digest)
    case 'moved':
      return moved(pushed.tag, pushed.digest)
    default:
      return pushed satisfies never
  }
}

export function immutable(repository: string, tag: string, digest?: Digest): RegistryResponse {
  const now = digest === undefined ? '' : ` it points at ${digest} and`
  const message = `the tag ${repository}:${tag} is immutable:${now} can be neither moved nor removed; push under another tag`
  return refusal(409, { code: 'TAG_IMMUTABLE', message, detail: { tag, digest } })
}

function moved(tag: string, digest: Digest | undefined): RegistryResponse {
  const message = digest === undefined ? `there is no tag ${tag}` : `the tag ${tag} points at ${digest} now`
  return refusal(412, { code: 'DENIED', message, detail: { tag, digest } })
}

/** DELETE of `/v2/<name>/manifests/<reference>` (end-9): a tag alone, or a manifest with its tags. */
export async function deleteManifest(call: Call): Promise<RegistryResponse> {
  const { registry, repository, target, user } = call
  const change = { by: user, isImmutable: (tag: string) => registry.isImmutable(repository, tag) }
  const { manifests, tags } = registry.metadata
  if (target.includes(':') && !isDigest(target)) return badDigest(target)
  const removed = isDigest(target)
    ? await manifests.remove(repository, target, change)
    : await tags.remove(repository, target, change)
  switch (removed.kind) {
    case 'removed':
      return empty(202)
    case 'unknown':
      return manifestUnknown(target)
    case 'immutable':
      return immutable(repository, removed.tag)
    case 'needed': {
      const message = `the index ${removed.by} names this manifest: delete that first`
      return refusal(405, { code: 'UNSUPPORTED', message, detail: { digest: removed.by } })
    }
    default:
      return removed satisfies never
  }
}
