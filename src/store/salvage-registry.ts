import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Database } from './database.ts'

/** Tables whose content cannot be made anew from blobs, those that others refer to first. */
const TABLES = [
  'registry_repositories',
  'registry_blobs',
  'registry_manifests',
  'registry_refs',
  'registry_tags',
  'registry_tag_changes',
] as const

type Row = Readonly<Record<string, SQLInputValue>>

/** Rows by table. */
export type SalvagedRegistry = ReadonlyMap<string, readonly Row[]>

/** Reads what can still be read, each table up to its damage. */
export function salvageRegistry(
  database: DatabaseSync,
  rowsOf: (database: DatabaseSync, sql: string) => readonly Row[],
): SalvagedRegistry {
  return new Map(TABLES.map(table => [table, rowsOf(database, `SELECT * FROM ${table}`)]))
}

/** Puts rows into a new database; those whose repository or manifest is lost are left out. */
export function restoreRegistry(database: Database, salvaged: SalvagedRegistry): void {
  database.write(() => {
    for (const [table, rows] of salvaged) for (const row of rows) restoreRow(database, table, row)
  })
}

function restoreRow(database: Database, table: string, row: Row): void {
  const columns = Object.keys(row)
  const marks = columns.map(() => '?').join(', ')
  try {
    database.run(
      `INSERT OR IGNORE INTO ${table} (${columns.join(', ')}) VALUES (${marks})`,
      ...columns.map(column => row[column] ?? null),
    )
  } catch (error) {
    if (!/constraint/i.test((error as Error).message)) throw error
  }
}
