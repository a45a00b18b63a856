import * as z from 'zod/mini'
import { nearest } from '../../dockerfile/nearest.ts'
import { isDigest } from '../../oci/digest.ts'
import { discard, readBody } from './http.ts'
import type { ManifestAddress } from './manifests.ts'
import { pagesOf } from './pages.ts'
import type { Registry } from './registry.ts'
import { pullScope } from './scope.ts'

/** All tags of a repository, in the registry's order. Throws `NOT_FOUND` and the like. */
export async function* listTags(registry: Registry, repository: string, signal?: AbortSignal): AsyncGenerator<string> {
  const target = `${registry.name}/${repository}`
  const attempt = { doing: 'list the tags of', target, registry: registry.name, notFound: 'check the name' }
  const path = `/v2/${repository}/tags/list?n=1000`
  const scopes = pullScope(repository)
  for await (const page of pagesOf(registry, { path, scopes, schema: tagsSchema, attempt, signal })) {
    // What is no tag could only be trouble on a terminal or in a path.
    yield* (page.tags ?? []).filter(isTag)
  }
}

function isTag(text: string): boolean {
  return /^\w[\w.-]{0,127}$/.test(text)
}

const tagsSchema = z.looseObject({ tags: z.nullish(z.array(z.string())) })
const MAX_TAGS_BYTES = 4 * 1024 * 1024
const SHOWN = 8

/**
 * What to do about a tag that is not there: the nearest one that is. Undefined when the registry does not tell; never
 * throws, since it only helps an error along.
 */
export async function tagHint(
  registry: Registry,
  { repository, reference }: ManifestAddress,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (isDigest(reference)) return undefined
  const path = `/v2/${repository}/tags/list?n=1000`
  try {
    const response = await registry.send({ method: 'GET', path, scopes: pullScope(repository), signal })
    if (response.status === 404) {
      discard(response)
      return 'the repository is not there, or needs a login'
    }
    if (response.status !== 200) {
      discard(response)
      return undefined
    }
    const body = JSON.parse((await readBody(response, MAX_TAGS_BYTES)).toString('utf8'))
    const tags = (tagsSchema.parse(body).tags ?? []).filter(isTag)
    const near = nearest(reference, tags)
    if (near !== undefined) return `did you mean the tag ${near}?`
    return tags.length === 0
      ? 'the repository has no tags'
      : `there are the tags ${tags.slice(0, SHOWN).join(', ')}${tags.length > SHOWN ? ', …' : ''}`
  } catch {
    return undefined
  }
}
