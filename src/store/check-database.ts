import { DatabaseSync } from 'node:sqlite'
import type { Finding } from './check-finding.ts'
import type { Database } from './database.ts'
import type { LocalStore } from './open.ts'
import { MIGRATIONS } from './schema.ts'

/**
 * Whether SQLite finds its own file in order, and the tables are those of this version. Rebuilding is not for a store
 * that is open: see `rebuildStore`.
 */
export function checkDatabase({ database, layout }: LocalStore): readonly Finding[] {
  const rows = database.all<{ integrity_check: string }>('PRAGMA integrity_check(5)')
  const problems = rows.map(row => row.integrity_check).filter(text => text !== 'ok')
  return [...problems, ...(hasOurTables(database) ? [] : ['its tables are not those that Shale makes'])].map(
    problem => ({
      kind: 'database',
      id: layout.database,
      problem: `the database is damaged: ${problem}`,
      remedy: '`shale system check --repair` makes a new one from the blobs',
      mends: false,
    }),
  )
}

const TABLES = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"

function hasOurTables(database: Database): boolean {
  const ours = new DatabaseSync(':memory:')
  try {
    for (const step of MIGRATIONS) ours.exec(step)
    return JSON.stringify(database.all(TABLES)) === JSON.stringify(ours.prepare(TABLES).all())
  } finally {
    ours.close()
  }
}
