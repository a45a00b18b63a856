import type { Digest } from '../../../oci/digest.ts'
import type { Database } from '../../../store/database.ts'
import type { LocalStore } from '../../../store/open.ts'
import type { BlobLinks } from '../metadata.ts'
import { makeRepository, repositoryId } from './repositories.ts'

/** How old the note of a link's last use may become; much less than the shortest grace period of a collection. */
const USE_NOTED_EVERY_MS = 60_000

/** `scratch` does not wait for the disk: for what may be lost when the machine loses power. */
export function storeBlobLinks(store: LocalStore, scratch: Database): BlobLinks {
  const { database } = store
  return {
    async has(repository, digest) {
      const row = database.get<{ repository: number; used_at: number }>(
        `SELECT l.repository, l.used_at FROM registry_blobs l JOIN registry_repositories r ON r.id = l.repository
         JOIN blobs b ON b.digest = l.digest WHERE r.name = ? AND l.digest = ?`,
        repository,
        digest,
      )
      if (row === undefined) return false
      return row.used_at > Date.now() - USE_NOTED_EVERY_MS || noteUse(scratch, row.repository, digest)
    },

    async link(repository, digest) {
      return database.write(() => {
        if (store.blobs.size(digest) === undefined) return false
        database.run(
          `INSERT INTO registry_blobs (repository, digest, used_at) VALUES (?1, ?2, ?3)
           ON CONFLICT (repository, digest) DO UPDATE SET used_at = ?3`,
          makeRepository(database, repository),
          digest,
          Date.now(),
        )
        return true
      })
    },

    async unlink(repository, digest) {
      return database.write(() => {
        const id = repositoryId(database, repository)
        if (id === undefined) return 'unknown'
        const sql = 'SELECT 1 FROM registry_refs WHERE repository = ? AND digest = ?'
        if (database.get(sql, id, digest) !== undefined) return 'needed'
        const gone = database.run('DELETE FROM registry_blobs WHERE repository = ? AND digest = ?', id, digest)
        return gone > 0 ? 'unlinked' : 'unknown'
      })
    },

    async holders(digest, limit) {
      const rows = database.all<{ name: string }>(
        `SELECT r.name FROM registry_blobs l JOIN registry_repositories r ON r.id = l.repository
         WHERE l.digest = ? LIMIT ?`,
        digest,
        limit,
      )
      return rows.map(({ name }) => name)
    },
  }
}

/** False when the link was collected in this moment. */
function noteUse(scratch: Database, repository: number, digest: Digest): boolean {
  return scratch.write(() => {
    const sql = 'UPDATE registry_blobs SET used_at = ? WHERE repository = ? AND digest = ?'
    return scratch.run(sql, Date.now(), repository, digest) > 0
  })
}
