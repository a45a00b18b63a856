import * as z from 'zod/mini'
import { pagesOf } from './pages.ts'
import type { Registry } from './registry.ts'
import { CATALOG_SCOPE } from './scope.ts'

const pageSchema = z.looseObject({ repositories: z.nullish(z.array(z.string())) })

/**
 * All repositories of a registry, in its order. Many large registries do not tell: then `NOT_FOUND`, `UNAUTHORIZED` or
 * `FORBIDDEN`. Source: distribution's API, "Listing Repositories".
 */
export async function* listRepositories(registry: Registry, signal?: AbortSignal): AsyncGenerator<string> {
  const notFound = 'this registry does not tell what repositories it has'
  const attempt = { doing: 'list the repositories of', target: registry.name, registry: registry.name, notFound }
  const listing = { path: '/v2/_catalog?n=1000', scopes: CATALOG_SCOPE, schema: pageSchema, attempt, signal }
  for await (const page of pagesOf(registry, listing)) {
    // What is no name could only be trouble on a terminal.
    yield* (page.repositories ?? []).filter(name => /^[a-z0-9][a-z0-9._/-]*$/.test(name))
  }
}
