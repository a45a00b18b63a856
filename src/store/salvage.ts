import { DatabaseSync } from 'node:sqlite'
import type { Digest } from '../oci/digest.ts'
import { type SalvagedRegistry, salvageRegistry } from './salvage-registry.ts'

/** What could still be read of a damaged database; the rest can be made from blobs. */
export interface Salvaged {
  /** Undefined when some may be missing. */
  readonly images: readonly Digest[] | undefined
  readonly tags: readonly { readonly name: string; readonly digest: Digest }[]
  readonly repoDigests: readonly { readonly repository: string; readonly digest: Digest }[]
  /** What refers to images; undefined when some may be missing. */
  readonly referrers: readonly Digest[] | undefined
  readonly registry: SalvagedRegistry
}

export const NOTHING: Salvaged = {
  images: undefined,
  tags: [],
  repoDigests: [],
  referrers: undefined,
  registry: new Map(),
}

/** Never throws for what it reads: a table that is damaged gives the rows before the damage. */
export function salvage(path: string): Salvaged {
  let database: DatabaseSync | undefined
  try {
    // Not read-only: what is in the write-ahead log counts too.
    database = new DatabaseSync(path)
    return {
      images: digestsOf(database, 'images'),
      tags: rowsOf(database, 'SELECT name, digest FROM tags'),
      repoDigests: rowsOf(database, 'SELECT repository, digest FROM repo_digests'),
      referrers: digestsOf(database, 'referrers'),
      registry: salvageRegistry(database, rowsOf),
    }
  } catch {
    return NOTHING
  } finally {
    if (database?.isOpen) database.close()
  }
}

/** All of them or none. */
function digestsOf(database: DatabaseSync, table: 'images' | 'referrers'): readonly Digest[] | undefined {
  if (!isWhole(database, table)) return undefined
  return rowsOf<{ digest: Digest }>(database, `SELECT digest FROM ${table}`).map(({ digest }) => digest)
}

function isWhole(database: DatabaseSync, table: string): boolean {
  try {
    const row = database.prepare(`PRAGMA integrity_check('${table}')`).get()
    return row?.integrity_check === 'ok'
  } catch {
    return false
  }
}

function rowsOf<Row>(database: DatabaseSync, sql: string): readonly Row[] {
  const rows: Row[] = []
  try {
    for (const row of database.prepare(sql).iterate()) rows.push(row as Row)
  } catch {
    // The rows so far are what there is.
  }
  return rows
}
