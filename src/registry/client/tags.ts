import * as z from 'zod/mini'
import { nearest } from '../../dockerfile/nearest.ts'
import { isDigest } from '../../oci/digest.ts'
import { discard, readBody } from './http.ts'
import type { ManifestAddress } from './manifests.ts'
import type { Registry } from './registry.ts'
import { pullScope } from './scope.ts'

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
    const tags = (tagsSchema.parse(body).tags ?? []).filter(tag => /^[\w.-]{1,128}$/.test(tag))
    const near = nearest(reference, tags)
    if (near !== undefined) return `did you mean the tag ${near}?`
    return tags.length === 0
      ? 'the repository has no tags'
      : `there are the tags ${tags.slice(0, SHOWN).join(', ')}${tags.length > SHOWN ? ', …' : ''}`
  } catch {
    return undefined
  }
}
