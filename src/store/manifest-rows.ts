import type { Digest } from '../oci/digest.ts'
import type { Database } from './database.ts'
import { damagedRow } from './database-errors.ts'
import type { DocumentRef, ImageDocument } from './image-documents.ts'
import { isSealed, sealOf } from './seal.ts'

type Value = string | null

/** Notes what a document says, in place of what is noted of it. Inside a write transaction. */
export function writeManifest(database: Database, document: ImageDocument): void {
  database.run(
    `INSERT INTO manifests (media_type, kind, created, os, architecture, variant, labels, digest)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (digest) DO UPDATE SET (media_type, kind, created, os, architecture, variant, labels) =
       (excluded.media_type, excluded.kind, excluded.created, excluded.os, excluded.architecture, excluded.variant,
        excluded.labels)`,
    ...columnsOf(document),
    document.digest,
  )
  database.run('DELETE FROM manifest_refs WHERE manifest = ?', document.digest)
  document.refs.forEach((ref, position) => {
    const values = valuesOf(ref)
    database.run(
      'INSERT INTO manifest_refs (manifest, position, role, digest, diff_id, seal) VALUES (?, ?, ?, ?, ?, ?)',
      document.digest,
      position,
      ...values,
      sealOf([document.digest, position, ...values]),
    )
  })
}

/** Whether the rows say what the document says. An index may have got more of its manifests since. */
export function isNoted(database: Database, document: ImageDocument): boolean {
  const row = database.get<Record<string, Value>>(
    'SELECT media_type, kind, created, os, architecture, variant, labels FROM manifests WHERE digest = ?',
    document.digest,
  )
  if (row === undefined || !isEqual(Object.values(row), columnsOf(document))) return false
  const rows = refRows(database, document.digest)
  if (rows.some(ref => !isWholeRef(ref))) return false
  const said = new Set(document.refs.map(ref => JSON.stringify(valuesOf(ref))))
  const noted = rows.map(({ role, digest, diff_id }) => JSON.stringify([role, digest, diff_id]))
  return noted.every(ref => said.has(ref)) && (document.kind === 'index' || noted.length === document.refs.length)
}

interface RefRow {
  readonly manifest: Digest
  readonly position: number
  readonly role: string
  readonly digest: string
  readonly diff_id: string | null
  readonly seal: number | null
}

/** Throws `STORE_DAMAGED` for the first damaged row: a collection would not see what it had kept. */
export function checkManifestRefs(database: Database): void {
  const damaged = refRows(database).find(ref => !isWholeRef(ref))
  if (damaged !== undefined) throw damagedRow(`a row of image ${damaged.manifest}`)
}

function refRows(database: Database, manifest?: Digest): readonly RefRow[] {
  if (manifest === undefined) return database.all<RefRow>('SELECT * FROM manifest_refs')
  return database.all<RefRow>('SELECT * FROM manifest_refs WHERE manifest = ? ORDER BY position', manifest)
}

function isWholeRef({ manifest, position, role, digest, diff_id, seal }: RefRow): boolean {
  return isSealed(seal, [manifest, position, role, digest, diff_id])
}

function columnsOf({ mediaType, kind, config }: ImageDocument): readonly Value[] {
  const labels = config?.config?.Labels
  return [
    mediaType,
    kind,
    config?.created ?? null,
    config?.os ?? null,
    config?.architecture ?? null,
    config?.variant ?? null,
    labels === undefined ? null : JSON.stringify(labels),
  ]
}

function valuesOf({ role, digest, diffId }: DocumentRef): readonly Value[] {
  return [role, digest, diffId ?? null]
}

function isEqual(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at])
}
