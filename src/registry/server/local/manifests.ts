import type { Digest } from '../../../oci/digest.ts'
import type { Database } from '../../../store/database.ts'
import { readTexts } from '../../../store/json-column.ts'
import type { LocalStore } from '../../../store/open.ts'
import type {
  Change,
  Listed,
  ManifestRecord,
  Manifests,
  NewManifest,
  Page,
  Push,
  Pushed,
  Referrer,
  Removed,
} from '../metadata.ts'
import { listed, makeRepository, repositoryId } from './repositories.ts'
import { moveTag, tagTarget } from './tag-rows.ts'
import { MANIFEST_COLUMNS, recordOf } from './tags.ts'
import type { TurnMemo } from './turn-memo.ts'

/** `memo` is forgotten with every change. */
export function storeManifests(store: LocalStore, memo: TurnMemo<ManifestRecord | undefined>): Manifests {
  const { database } = store
  return {
    async get(repository, digest) {
      return memo.get(`${repository}@${digest}`, () => {
        const row = database.get<Parameters<typeof recordOf>[0]>(GET, repository, digest)
        return row && recordOf(row)
      })
    },
    async put(repository, manifest, push) {
      memo.forget()
      return database.write(() => put(store, repository, manifest, push))
    },
    async remove(repository, digest, change) {
      memo.forget()
      return database.write(() => remove(database, repository, digest, change))
    },
    referrers: async (repository, subject, type, page) => referrers(database, repository, subject, type, page),
  }
}

const GET = `SELECT ${MANIFEST_COLUMNS} FROM registry_repositories r
  JOIN registry_manifests m ON m.repository = r.id AND m.digest = ?2
  JOIN blobs b ON b.digest = m.digest WHERE r.name = ?1`

/** Everything is looked at before anything is written. */
function put(store: LocalStore, repository: string, manifest: NewManifest, push: Push): Pushed {
  const { database } = store
  const known = repositoryId(database, repository)
  const missing = missingFrom(store, known, manifest)
  if (missing !== undefined) return missing
  const refused = known === undefined ? absentTags(push) : refusedTag(database, known, manifest.digest, push)
  if (refused !== undefined) return refused
  const id = known ?? makeRepository(database, repository)
  insert(database, id, manifest, push.by)
  for (const tag of push.tags) moveTag(database, { repository: id, tag, digest: manifest.digest, by: push.by })
  return { kind: 'stored' }
}

function missingFrom(store: LocalStore, repository: number | undefined, manifest: NewManifest): Pushed | undefined {
  const has = (table: string) => (digest: Digest) =>
    repository !== undefined &&
    store.database.get(`SELECT 1 FROM ${table} WHERE repository = ? AND digest = ?`, repository, digest) !==
      undefined &&
    store.blobs.size(digest) !== undefined
  const hasBlob = has('registry_blobs')
  const hasManifest = has('registry_manifests')
  const blobs = manifest.blobs.filter(digest => !hasBlob(digest))
  const manifests = manifest.manifests.filter(digest => !hasManifest(digest))
  return blobs.length + manifests.length === 0 ? undefined : { kind: 'missing', blobs, manifests }
}

function absentTags({ tags: [tag], expect }: Push): Pushed | undefined {
  if (tag === undefined || expect === undefined || expect === 'absent') return undefined
  return { kind: 'moved', tag, digest: undefined }
}

function refusedTag(database: Database, repository: number, digest: Digest, push: Push): Pushed | undefined {
  for (const tag of push.tags) {
    const current = tagTarget(database, repository, tag)
    if (push.expect !== undefined && (current ?? 'absent') !== push.expect)
      return { kind: 'moved', tag, digest: current }
    if (current !== undefined && current !== digest && push.isImmutable(tag)) {
      return { kind: 'immutable', tag, digest: current }
    }
  }
  return undefined
}

function insert(database: Database, repository: number, manifest: NewManifest, by: string | undefined): void {
  const { digest, mediaType, artifactType, subject, annotations } = manifest
  database.run(
    `INSERT INTO registry_manifests
       (repository, digest, media_type, artifact_type, subject, annotations, pushed_at, pushed_by)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
     ON CONFLICT (repository, digest) DO UPDATE SET media_type = ?3, artifact_type = ?4`,
    repository,
    digest,
    mediaType,
    artifactType ?? null,
    subject ?? null,
    annotations === undefined ? null : JSON.stringify(annotations),
    Date.now(),
    by ?? null,
  )
  const refer = (kind: 'blob' | 'manifest', target: Digest) =>
    database.run(
      'INSERT OR IGNORE INTO registry_refs (repository, manifest, digest, kind) VALUES (?, ?, ?, ?)',
      repository,
      digest,
      target,
      kind,
    )
  for (const blob of manifest.blobs) refer('blob', blob)
  for (const child of manifest.manifests) refer('manifest', child)
  for (const target of manifest.optional ?? []) {
    for (const kind of ['blob', 'manifest'] as const) {
      const sql = `SELECT 1 FROM registry_${kind}s WHERE repository = ? AND digest = ?`
      if (database.get(sql, repository, target) !== undefined) refer(kind, target)
    }
  }
}

function remove(database: Database, repository: string, digest: Digest, { by, isImmutable }: Change): Removed {
  const id = repositoryId(database, repository)
  const known = 'SELECT 1 FROM registry_manifests WHERE repository = ? AND digest = ?'
  if (id === undefined || database.get(known, id, digest) === undefined) return { kind: 'unknown' }
  const user = database.get<{ manifest: Digest }>(
    `SELECT manifest FROM registry_refs WHERE repository = ? AND digest = ? AND kind = 'manifest' LIMIT 1`,
    id,
    digest,
  )
  if (user !== undefined) return { kind: 'needed', by: user.manifest }
  const sql = 'SELECT name FROM registry_tags WHERE repository = ? AND digest = ?'
  const tags = database.all<{ name: string }>(sql, id, digest).map(({ name }) => name)
  const fixed = tags.find(isImmutable)
  if (fixed !== undefined) return { kind: 'immutable', tag: fixed }
  for (const tag of tags) moveTag(database, { repository: id, tag, digest: undefined, by })
  database.run('DELETE FROM registry_manifests WHERE repository = ? AND digest = ?', id, digest)
  return { kind: 'removed' }
}

interface ReferrerRow {
  readonly digest: Digest
  readonly media_type: string
  readonly size: number
  readonly artifact_type: string | null
  readonly annotations: string | null
}

function referrers(
  database: Database,
  repository: string,
  subject: Digest,
  artifactType: string | undefined,
  page: Page,
): Listed<Referrer> {
  const rows = database.all<ReferrerRow>(
    `SELECT ${MANIFEST_COLUMNS}, m.artifact_type, m.annotations FROM registry_manifests m
     JOIN registry_repositories r ON r.id = m.repository JOIN blobs b ON b.digest = m.digest
     WHERE r.name = ?1 AND m.subject = ?2 AND m.digest > ?3 AND (?4 IS NULL OR m.artifact_type = ?4)
     ORDER BY m.digest LIMIT ?5`,
    repository,
    subject,
    page.last ?? '',
    artifactType ?? null,
    page.limit + 1,
  )
  const found = rows.map(row => ({
    ...recordOf(row),
    artifactType: row.artifact_type ?? undefined,
    annotations: row.annotations === null ? undefined : (readTexts(row.annotations) ?? undefined),
  }))
  return listed(found, page)
}
