import type { Finding } from './check-finding.ts'
import type { LocalStore } from './open.ts'

/** Whether SQLite finds its own file in order. Rebuilding is not for a store that is open: see `rebuildStore`. */
export function checkDatabase(store: LocalStore): readonly Finding[] {
  const rows = store.database.all<{ integrity_check: string }>('PRAGMA integrity_check(5)')
  return rows
    .filter(row => row.integrity_check !== 'ok')
    .map(row => ({
      kind: 'database',
      id: store.layout.database,
      problem: `the database is damaged: ${row.integrity_check}`,
      remedy: 'a new database is made from the blobs',
      mends: false,
    }))
}
