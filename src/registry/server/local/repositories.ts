import type { Database } from '../../../store/database.ts'
import type { Listed, Page, Repositories } from '../metadata.ts'

export function storeRepositories(database: Database): Repositories {
  return {
    has: async name => repositoryId(database, name) !== undefined,
    list: async page =>
      listed(
        database
          .all<{ name: string }>(
            `SELECT name FROM registry_repositories r WHERE name > ?
               AND EXISTS (SELECT 1 FROM registry_manifests m WHERE m.repository = r.id)
             ORDER BY name LIMIT ?`,
            page.last ?? '',
            page.limit + 1,
          )
          .map(({ name }) => name),
        page,
      ),
  }
}

export function repositoryId(database: Database, name: string): number | undefined {
  return database.get<{ id: number }>('SELECT id FROM registry_repositories WHERE name = ?', name)?.id
}

/** Inside a write transaction. */
export function makeRepository(database: Database, name: string): number {
  const known = repositoryId(database, name)
  if (known !== undefined) return known
  database.run('INSERT INTO registry_repositories (name, created_at) VALUES (?, ?)', name, Date.now())
  return repositoryId(database, name) as number
}

/** Of one row more than the page has. */
export function listed<T>(items: readonly T[], { limit }: Page): Listed<T> {
  return items.length > limit ? { items: items.slice(0, limit), more: true } : { items, more: false }
}
