import type { Finding } from './check-finding.ts'
import type { LocalStore } from './open.ts'

/** Keys that are digests. */
const DIGESTS = [
  ['blobs', 'digest'],
  ['manifests', 'digest'],
  ['images', 'digest'],
  ['cache_records', 'key'],
  ['image_variants', 'digest'],
  ['referrers', 'digest'],
  ['referrer_blobs', 'digest'],
  ['origins', 'digest'],
  ['registry_blobs', 'digest'],
  ['registry_manifests', 'digest'],
  ['registry_fresh', 'digest'],
] as const

/** Rows that go with another: the table, its column, and what that names. */
const PARTS = [
  ['manifest_refs', 'manifest', 'manifests', 'digest'],
  ['layer_blobs', 'layer', 'layers', 'id'],
  ['repo_digests', 'digest', 'images', 'digest'],
  ['image_variants', 'original', 'manifests', 'digest'],
  ['referrers', 'digest', 'blobs', 'digest'],
  ['referrer_blobs', 'referrer', 'referrers', 'digest'],
  ['origins', 'digest', 'manifests', 'digest'],
  ['holds', 'lease', 'leases', 'id'],
] as const

/** In SQL, for a text that is no UTF-8 any more cannot be named from outside. */
const isDigest = (column: string): string =>
  `${column} NOT GLOB 'sha???:*[^0-9a-f]*' AND (length(CAST(${column} AS BLOB)) = 71 AND ${column} GLOB 'sha256:*'
    OR length(CAST(${column} AS BLOB)) = 135 AND ${column} GLOB 'sha512:*')`

/**
 * Rows that nothing can find any more: whose key is no digest, or that belong to a row that is not there. A repair
 * removes them, and the checks that follow put back what was lost with them.
 */
export function checkKeys(store: LocalStore, repair: boolean): readonly Finding[] {
  return [
    ...DIGESTS.flatMap(([table, column]) => {
      const problem = `whose ${column} is no digest`
      return removed(store, { table, where: `NOT (${isDigest(column)})`, problem, repair })
    }),
    ...PARTS.flatMap(([table, column, owners, key]) => {
      const where = `${column} NOT IN (SELECT ${key} FROM ${owners})`
      return removed(store, { table, where, problem: `of ${owners} that are not there`, repair })
    }),
  ]
}

interface Wrong {
  readonly table: string
  readonly where: string
  readonly problem: string
  readonly repair: boolean
}

function removed({ database, layout }: LocalStore, { table, where, problem, repair }: Wrong): readonly Finding[] {
  const count = database.get<{ count: number }>(`SELECT count(*) AS count FROM ${table} WHERE ${where}`)?.count ?? 0
  if (count === 0) return []
  if (repair) database.write(() => database.run(`DELETE FROM ${table} WHERE ${where}`))
  const rows = count === 1 ? 'a row' : `${count} rows`
  const said = `the table ${table} has ${rows} ${problem}`
  return [{ kind: 'database', id: `${layout.database}#${table}`, problem: said, remedy: 'removed', mends: true }]
}
