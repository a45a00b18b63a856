import type * as z from 'zod/mini'
import { ShaleError } from '../../error.ts'
import { checked, parseJson } from '../../oci/manifest.ts'
import { type Attempt, expectStatus } from './failure.ts'
import { type HttpResponse, readBody } from './http.ts'
import { resolveLocation } from './redirect.ts'
import type { Registry } from './registry.ts'

const MAX_PAGE_BYTES = 8 * 1024 * 1024
const MAX_PAGES = 100_000

/** What to list: a path with its query, for whom, and what the answers look like. */
export interface Listing<T> {
  readonly path: string
  readonly scopes: readonly string[]
  readonly schema: z.ZodMiniType<T>
  readonly attempt: Attempt
  readonly signal?: AbortSignal | undefined
}

/**
 * The pages of a list, following `link` headers to the last. Throws `BAD_LINK` when they lead elsewhere or in a circle.
 * Source: OCI distribution-spec v1.1, "Listing Tags".
 */
export async function* pagesOf<T>(registry: Registry, listing: Listing<T>): AsyncGenerator<T> {
  const { scopes, schema, attempt, signal } = listing
  const seen = new Set<string>()
  let path: string | URL | undefined = listing.path
  while (path !== undefined) {
    const response: HttpResponse = await registry.send({ method: 'GET', path, scopes, whole: MAX_PAGE_BYTES, signal })
    await expectStatus(response, [200], attempt)
    yield checked(schema, parseJson(await readBody(response, MAX_PAGE_BYTES), 'registry list'), 'registry list')
    seen.add(response.url.href)
    path = nextPage(response, attempt)
    if (path !== undefined && (seen.has(path.href) || seen.size >= MAX_PAGES)) throw badLink(attempt, 'in a circle')
  }
}

function nextPage({ headers, url }: HttpResponse, attempt: Attempt): URL | undefined {
  const { link } = headers
  const text = Array.isArray(link) ? link.join(',') : (link ?? '')
  const target = /<([^>]+)>\s*;(?:[^,]*;)?\s*rel="?next"?/i.exec(text)?.[1]
  if (target === undefined) return undefined
  const next = resolveLocation(url, target)
  if (next.origin !== url.origin) throw badLink(attempt, `to another host, ${next.host}`)
  return next
}

function badLink({ doing, target }: Attempt, where: string): ShaleError {
  return new ShaleError('BAD_LINK', `cannot ${doing} ${target}: the registry's pages lead ${where}`)
}
