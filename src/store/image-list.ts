import type { Digest } from '../oci/digest.ts'
import { hostPlatform } from '../oci/platform.ts'
import { matchesPlatform } from '../oci/platform-choice.ts'
import type { Database } from './database.ts'
import { damagedRow } from './database-errors.ts'
import { readTexts } from './json-column.ts'
import type { ImageDetails, ImageSummary } from './types.ts'

interface ImageRow {
  readonly digest: Digest
  readonly media_type: string
  readonly added_at: number
}

interface DetailRow {
  readonly image: Digest
  readonly created: string | null
  readonly os: string
  readonly architecture: string
  readonly variant: string | null
  readonly labels: string | null
  readonly unpacked_size: number
}

/**
 * Size of the files in a manifest's layers. A layer that occurs twice counts twice, as in docker. Layers of equal diff
 * ID have equal content, so that any of them will do.
 */
const UNPACKED_SIZE = `
  (SELECT coalesce(sum((SELECT max(l.unpacked_size) FROM layers l WHERE l.diff_id = r.diff_id)), 0)
   FROM manifest_refs r WHERE r.manifest = m.digest AND r.role = 'layer')`

/** All images, newest first, or the one with this ID, in four queries however many there are. */
export function summaries(database: Database, id?: Digest): readonly ImageSummary[] {
  const only = id === undefined ? '' : 'WHERE digest = ?1'
  const values = id === undefined ? [] : [id]
  const images = database.all<ImageRow>(
    `SELECT digest, media_type, added_at FROM (SELECT * FROM images ${only}) JOIN manifests USING (digest)
     ORDER BY added_at DESC, digest`,
    ...values,
  )
  const names = grouped(
    database.all<{ digest: Digest; text: string }>(
      `SELECT digest, name AS text FROM tags ${only} ORDER BY name`,
      ...values,
    ),
  )
  const repoDigests = grouped(
    database.all<{ digest: Digest; text: string }>(
      `SELECT digest, repository || '@' || digest AS text FROM repo_digests ${only} ORDER BY repository`,
      ...values,
    ),
  )
  const details = detailsOf(database, only, values)
  return images.map(image => ({
    id: image.digest,
    mediaType: image.media_type,
    names: names.get(image.digest) ?? [],
    repoDigests: repoDigests.get(image.digest) ?? [],
    addedAt: image.added_at,
    details: details.get(image.digest),
  }))
}

/** Of an index: the host's image, else the first. */
function detailsOf(database: Database, only: string, values: readonly Digest[]): ReadonlyMap<Digest, ImageDetails> {
  const rows = database.all<DetailRow>(
    `WITH chosen AS (SELECT digest FROM images ${only}),
     parts AS (
       SELECT digest AS image, digest, -1 AS position FROM chosen
       UNION ALL
       SELECT r.manifest, r.digest, r.position FROM chosen c
       JOIN manifest_refs r ON r.manifest = c.digest AND r.role = 'manifest'
     )
     SELECT p.image, m.created, m.os, m.architecture, m.variant, m.labels, ${UNPACKED_SIZE} AS unpacked_size
     FROM parts p JOIN manifests m ON m.digest = p.digest
     WHERE m.os IS NOT NULL AND m.architecture IS NOT NULL AND m.os <> 'unknown'
     ORDER BY p.image, p.position`,
    ...values,
  )
  const host = hostPlatform()
  const found = new Map<Digest, ImageDetails>()
  for (const row of rows) {
    const details = detailsOfRow(row)
    const earlier = found.get(row.image)
    const better =
      earlier !== undefined && !matchesPlatform(earlier.platform, host) && matchesPlatform(details.platform, host)
    if (earlier === undefined || better) found.set(row.image, details)
  }
  return found
}

function detailsOfRow(row: DetailRow): ImageDetails {
  const labels = row.labels === null ? {} : readTexts(row.labels)
  if (labels === null) throw damagedRow(`the row of image ${row.image}`)
  return {
    created: row.created ?? undefined,
    platform: { os: row.os, architecture: row.architecture, variant: row.variant ?? undefined },
    labels,
    unpackedSize: row.unpacked_size,
  }
}

function grouped(rows: readonly { readonly digest: Digest; readonly text: string }[]): ReadonlyMap<Digest, string[]> {
  const groups = new Map<Digest, string[]>()
  for (const row of rows) {
    const group = groups.get(row.digest)
    if (group === undefined) groups.set(row.digest, [row.text])
    else group.push(row.text)
  }
  return groups
}
