import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import type { Database } from './database.ts'
import type { TagChange, TagRecord } from './types.ts'

/** Points `name` at `digest`; nothing is noted when it does already. Inside the caller's transaction or its own. */
export function setTag(database: Database, name: string, digest: Digest, why: string): void {
  checkName(name)
  database.write(() => {
    const previous = getTag(database, name)?.digest
    if (previous === digest) return
    const at = Date.now()
    database.run('INSERT OR REPLACE INTO tags (name, digest, at) VALUES (?, ?, ?)', name, digest, at)
    noteChange(database, { name, digest, previous, at, why })
  })
}

export function deleteTag(database: Database, name: string, why: string): boolean {
  return database.write(() => {
    const previous = getTag(database, name)?.digest
    if (previous === undefined) return false
    database.run('DELETE FROM tags WHERE name = ?', name)
    noteChange(database, { name, previous, at: Date.now(), why })
    return true
  })
}

export function getTag(database: Database, name: string): TagRecord | undefined {
  const row = database.get<TagRecord>('SELECT name, digest, at FROM tags WHERE name = ?', name)
  return row && { name: row.name, digest: row.digest, at: row.at }
}

/** Newest first. */
export function tagHistory(database: Database, name: string): readonly TagChange[] {
  const rows = database.all<{ digest: Digest | null; previous: Digest | null; at: number; why: string }>(
    'SELECT digest, previous, at, why FROM tag_changes WHERE name = ? ORDER BY id DESC',
    name,
  )
  return rows.map(row => ({
    name,
    digest: row.digest ?? undefined,
    previous: row.previous ?? undefined,
    at: row.at,
    why: row.why,
  }))
}

function noteChange(database: Database, change: TagChange): void {
  database.run(
    'INSERT INTO tag_changes (name, digest, previous, at, why) VALUES (?, ?, ?, ?, ?)',
    change.name,
    change.digest ?? null,
    change.previous ?? null,
    change.at,
    change.why,
  )
}

function checkName(name: string): void {
  const reference = parseReference(name)
  if (reference.digest === undefined && formatReference(reference) === name) return
  throw new ShaleError('INVALID_TAG', `${JSON.stringify(name)} is not a complete name with a tag`, {
    hint: `write ${formatReference({ ...reference, tag: reference.tag ?? 'latest' })}`,
  })
}
