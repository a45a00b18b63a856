import type { Digest } from '../../../oci/digest.ts'
import type { Database } from '../../../store/database.ts'

export interface TagMove {
  readonly repository: number
  readonly tag: string
  /** Undefined removes it. */
  readonly digest: Digest | undefined
  readonly by: string | undefined
}

export function tagTarget(database: Database, repository: number, tag: string): Digest | undefined {
  const sql = 'SELECT digest FROM registry_tags WHERE repository = ? AND name = ?'
  return database.get<{ digest: Digest }>(sql, repository, tag)?.digest
}

/** Moves a tag and notes it in its history; nothing is noted when it is there already. Inside a write transaction. */
export function moveTag(database: Database, { repository, tag, digest, by }: TagMove): void {
  const previous = tagTarget(database, repository, tag)
  if (previous === digest) return
  const at = Date.now()
  if (digest === undefined) {
    database.run('DELETE FROM registry_tags WHERE repository = ? AND name = ?', repository, tag)
  } else {
    database.run(
      'INSERT OR REPLACE INTO registry_tags (repository, name, digest, at, by) VALUES (?, ?, ?, ?, ?)',
      repository,
      tag,
      digest,
      at,
      by ?? null,
    )
  }
  database.run(
    'INSERT INTO registry_tag_changes (repository, name, digest, previous, at, by) VALUES (?, ?, ?, ?, ?, ?)',
    repository,
    tag,
    digest ?? null,
    previous ?? null,
    at,
    by ?? null,
  )
}
