import { isDigest } from '../../../oci/digest.ts'
import { MediaType } from '../../../oci/media-types.ts'
import { type Call, queryOf } from '../call.ts'
import { type Headers, json, type RegistryResponse, refusal } from '../http/message.ts'
import type { Listed, Page, Referrer } from '../metadata.ts'
import { badDigest, nameUnknown } from './manifest-read.ts'

/** Also what is given when the client does not say how many. */
const MAX_PAGE = 10_000
/** Clients read 4 MiB of a list of referrers at least; descriptors may have annotations. */
const MAX_REFERRERS_BYTES = 3 * 2 ** 20
const MAX_REFERRERS = 1_000

/** GET of `/v2/<name>/tags/list` (end-8): in byte order, page by page. */
export async function listTags(call: Call): Promise<RegistryResponse> {
  const { registry, repository } = call
  const page = pageOf(queryOf(call))
  if (page === undefined) return badNumber(call)
  const tags = await registry.metadata.tags.list(repository, page)
  if (tags.items.length === 0 && !(await registry.metadata.repositories.has(repository))) return nameUnknown(repository)
  return json(200, { name: repository, tags: tags.items }, nextPage(`/v2/${repository}/tags/list`, page, tags))
}

/** GET of `/v2/_catalog`: repositories that the user may read. */
export async function listRepositories(call: Call): Promise<RegistryResponse> {
  const page = pageOf(queryOf(call))
  if (page === undefined) return badNumber(call)
  const found = await readable(call, page)
  return json(200, { repositories: found.items }, nextPage('/v2/_catalog', page, found))
}

async function readable({ registry, user }: Call, { limit, last }: Page): Promise<Listed<string>> {
  const items: string[] = []
  if (limit === 0) return { items, more: false }
  for (let after = last; ; ) {
    const { items: names, more } = await registry.metadata.repositories.list({ limit: MAX_PAGE, last: after })
    for (const name of names) {
      if (!registry.permissions.may(user, 'pull', name)) continue
      if (items.length === limit) return { items, more: true }
      items.push(name)
    }
    if (!more) return { items, more: false }
    after = names.at(-1)
  }
}

/** GET of `/v2/<name>/referrers/<digest>` (end-12). */
export async function listReferrers(call: Call): Promise<RegistryResponse> {
  const { registry, repository, target } = call
  if (!isDigest(target)) return badDigest(target)
  const query = queryOf(call)
  const artifactType = query.get('artifactType') || undefined
  const page = { limit: MAX_REFERRERS, last: query.get('last') ?? undefined }
  const found = fitting(await registry.metadata.manifests.referrers(repository, target, artifactType, page))
  const manifests = found.items.map(({ mediaType, digest, size, artifactType, annotations }) => ({
    mediaType,
    digest,
    size,
    artifactType,
    annotations,
  }))
  const filter = artifactType === undefined ? '' : `artifactType=${encodeURIComponent(artifactType)}&`
  const path = `/v2/${repository}/referrers/${target}`
  const last = found.items.at(-1)?.digest
  return json(
    200,
    { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests },
    {
      'Content-Type': MediaType.ociIndex,
      ...(artifactType !== undefined && { 'OCI-Filters-Applied': 'artifactType' }),
      ...(found.more && last !== undefined && { Link: `<${path}?${filter}last=${last}>; rel="next"` }),
    },
  )
}

function fitting({ items, more }: Listed<Referrer>): Listed<Referrer> {
  let bytes = 0
  const count = items.findIndex((item, index) => {
    bytes += JSON.stringify(item).length
    return index > 0 && bytes > MAX_REFERRERS_BYTES
  })
  return count < 0 ? { items, more } : { items: items.slice(0, count), more: true }
}

/** GET of `/v2/<name>/_shale/tags/<tag>`: every move of a tag, newest first. An extension of ours. */
export async function tagHistory({ registry, repository, target }: Call): Promise<RegistryResponse> {
  const history = await registry.metadata.tags.history(repository, target)
  if (history.length === 0) return nameUnknown(repository)
  const moves = history.map(({ at, by, previous, digest }) => ({
    at: new Date(at).toISOString(),
    by: by ?? null,
    from: previous ?? null,
    to: digest ?? null,
  }))
  return json(200, { name: repository, tag: target, history: moves })
}

/** Undefined when `n` is no number. */
function pageOf(query: URLSearchParams): Page | undefined {
  const text = query.get('n')
  const last = query.get('last') ?? undefined
  if (text === null || text === '') return { limit: MAX_PAGE, last }
  return /^\d{1,15}$/.test(text) ? { limit: Math.min(Number(text), MAX_PAGE), last } : undefined
}

function badNumber(call: Call): RegistryResponse {
  const message = 'n is the number of entries to give: digits alone'
  const detail = { n: queryOf(call).get('n')?.slice(0, 100) }
  return refusal(400, { code: 'PAGINATION_NUMBER_INVALID', message, detail })
}

/** Asked for nothing, there is no next page: the same would come again. */
function nextPage(path: string, { limit }: Page, { items, more }: Listed<string>): Headers {
  const last = items.at(-1)
  if (!more || last === undefined) return {}
  return { Link: `<${path}?n=${limit}&last=${encodeURIComponent(last)}>; rel="next"` }
}
