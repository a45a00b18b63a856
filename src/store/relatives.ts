import type { Digest } from '../oci/digest.ts'
import type { Database } from './database.ts'

/** The indexes of the store that name this manifest. */
export function indexesOver(database: Database, manifest: Digest): readonly Digest[] {
  const sql = "SELECT DISTINCT manifest AS digest FROM manifest_refs WHERE digest = ? AND role = 'manifest'"
  return database.all<{ digest: Digest }>(sql, manifest).map(({ digest }) => digest)
}

/** The manifests that this index names, in its order; none of what is no index. */
export function manifestsOf(database: Database, index: Digest): readonly Digest[] {
  const sql = "SELECT digest FROM manifest_refs WHERE manifest = ? AND role = 'manifest' ORDER BY position"
  return database.all<{ digest: Digest }>(sql, index).map(({ digest }) => digest)
}

/** Whether the store knows the manifest or index, as an image of its own or not. */
export function knowsManifest(database: Database, digest: Digest): boolean {
  return database.get('SELECT 1 FROM manifests WHERE digest = ?', digest) !== undefined
}

/** Images that tags pointed at or that were published, present or not, whose hex digits begin like this. */
export function imagesEver(database: Database, prefix: string): readonly Digest[] {
  const text = /^sha(?:256|512):/.test(prefix) ? prefix : `sha256:${prefix}`
  if (!/^sha(?:256|512):[0-9a-f]{4,128}$/.test(text)) return []
  const rows = database.all<{ digest: Digest }>(
    `SELECT digest FROM tag_changes WHERE digest >= ?1 AND digest < ?2
     UNION SELECT digest FROM publications WHERE digest >= ?1 AND digest < ?2`,
    text,
    `${text}g`,
  )
  return rows.map(({ digest }) => digest)
}
