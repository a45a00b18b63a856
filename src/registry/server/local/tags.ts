import type { Digest } from '../../../oci/digest.ts'
import type { Database } from '../../../store/database.ts'
import type { ManifestRecord, Tags } from '../metadata.ts'
import { listed, repositoryId } from './repositories.ts'
import { moveTag, tagTarget } from './tag-rows.ts'
import type { TurnMemo } from './turn-memo.ts'

interface ManifestRow {
  readonly digest: Digest
  readonly media_type: string
  readonly size: number
}

/** A manifest whose bytes the store has lost is not there, so that whoever needs it pushes it again. */
export const MANIFEST_COLUMNS = 'm.digest, m.media_type, b.size'

const RESOLVE = `SELECT ${MANIFEST_COLUMNS} FROM registry_repositories r
  JOIN registry_tags t ON t.repository = r.id AND t.name = ?2
  JOIN registry_manifests m ON m.repository = r.id AND m.digest = t.digest
  JOIN blobs b ON b.digest = m.digest WHERE r.name = ?1`

export function recordOf({ digest, media_type, size }: ManifestRow): ManifestRecord {
  return { digest, mediaType: media_type, size }
}

/** `memo` is forgotten with every change. */
export function storeTags(database: Database, memo: TurnMemo<ManifestRecord | undefined>): Tags {
  return {
    async resolve(repository, tag) {
      return memo.get(`${repository}:${tag}`, () => {
        const row = database.get<ManifestRow>(RESOLVE, repository, tag)
        return row && recordOf(row)
      })
    },

    async list(repository, page) {
      const rows = database.all<{ name: string }>(
        `SELECT t.name FROM registry_tags t JOIN registry_repositories r ON r.id = t.repository
         WHERE r.name = ? AND t.name > ? ORDER BY t.name LIMIT ?`,
        repository,
        page.last ?? '',
        page.limit + 1,
      )
      return listed(
        rows.map(({ name }) => name),
        page,
      )
    },

    async remove(repository, tag, { by, isImmutable }) {
      memo.forget()
      return database.write(() => {
        const id = repositoryId(database, repository)
        if (id === undefined || tagTarget(database, id, tag) === undefined) return { kind: 'unknown' }
        if (isImmutable(tag)) return { kind: 'immutable', tag }
        moveTag(database, { repository: id, tag, digest: undefined, by })
        return { kind: 'removed' }
      })
    },

    async history(repository, tag) {
      const rows = database.all<{ digest: Digest | null; previous: Digest | null; at: number; by: string | null }>(
        `SELECT c.digest, c.previous, c.at, c.by FROM registry_tag_changes c
         JOIN registry_repositories r ON r.id = c.repository WHERE r.name = ? AND c.name = ? ORDER BY c.id DESC`,
        repository,
        tag,
      )
      return rows.map(({ digest, previous, at, by }) => ({
        digest: digest ?? undefined,
        previous: previous ?? undefined,
        at,
        by: by ?? undefined,
      }))
    },
  }
}
