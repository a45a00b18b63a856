import { ShaleError } from '../error.ts'
import type { Toc } from '../layer/toc.ts'
import { contentId, decodeToc, encodeToc } from '../layer/toc-codec.ts'
import type { Digest } from '../oci/digest.ts'
import type { Compression } from '../oci/media-types.ts'
import type { FileBlobs } from './blobs.ts'
import type { Database } from './database.ts'
import { damagedRow } from './database-errors.ts'
import { readTexts } from './json-column.ts'
import type { Leases } from './leases.ts'
import { isSealed, sealOf } from './seal.ts'
import type { LayerBlob, LayerRecord, LayerStore, Lease, NewLayer } from './types.ts'

/** Decoded tables kept in memory. */
const TOCS_KEPT = 16
/** The largest encoded table of contents that we read, in bytes: some ten million entries. */
const MAX_TOC_BYTES = 1024 * 1024 * 1024

export interface LayerContext {
  readonly database: Database
  readonly leases: Leases
  readonly blobs: FileBlobs
}

export function createLayers(context: LayerContext): LayerStore {
  return new DatabaseLayers(context)
}

interface LayerRow {
  readonly id: number
  readonly content_id: Digest
  readonly toc_digest: Digest
  readonly diff_id: Digest | null
  readonly unpacked_size: number
  readonly entries: number
  readonly seal: number | null
}

interface LayerBlobRow {
  readonly digest: Digest
  readonly size: number
  readonly compression: Compression
  readonly media_type: string
  readonly packer: string
  readonly annotations: string | null
  readonly seal: number | null
}

/** Of one table there is either one record without diff ID, or one for each diff ID that it was packed to. */
class DatabaseLayers implements LayerStore {
  readonly #context: LayerContext
  readonly #tocs = new Map<Digest, Toc>()

  constructor(context: LayerContext) {
    this.#context = context
  }

  byId(id: number): LayerRecord | undefined {
    return this.#find('id = ?', id)
  }

  byDiffId(diffId: Digest): LayerRecord | undefined {
    return this.#find('diff_id = ?', diffId)
  }

  byToc(tocDigest: Digest): LayerRecord | undefined {
    return this.#find('toc_digest = ?', tocDigest)
  }

  async add(lease: Lease, layer: NewLayer): Promise<LayerRecord> {
    const { toc, diffId } = layer
    const { digest } = await this.#context.blobs.put(lease, encodeToc(toc))
    this.#remember(digest, toc)
    const content = this.byToc(digest)?.contentId ?? contentId(toc)
    return this.#context.database.write(() => this.#insert(lease, { toc, digest, content, diffId }))
  }

  setPacked(lease: Lease, id: number, diffId: Digest, blob?: LayerBlob): LayerRecord {
    const { database, blobs } = this.#context
    return database.write(() => {
      const layer = this.byId(id)
      if (layer === undefined) throw new ShaleError('LAYER_MISSING', `the store has no layer ${id}`)
      const packed = this.#withDiffId(layer, diffId)
      this.#context.leases.hold(lease, 'layer', packed)
      if (blob !== undefined) {
        if (!blobs.keep(lease, blob.digest)) {
          throw new ShaleError('BLOB_MISSING', `the store does not have the blob ${blob.digest} of layer ${id}`)
        }
        this.#insertBlob(packed, blob)
      }
      return this.byId(packed) as LayerRecord
    })
  }

  async toc(record: LayerRecord): Promise<Toc> {
    const known = this.#tocs.get(record.tocDigest)
    const toc = known ?? decodeToc(await this.#context.blobs.readUpTo(record.tocDigest, MAX_TOC_BYTES))
    this.#remember(record.tocDigest, toc)
    return toc
  }

  #insert(
    lease: Lease,
    layer: {
      readonly toc: Toc
      readonly digest: Digest
      readonly content: Digest
      readonly diffId?: Digest | undefined
    },
  ): LayerRecord {
    const { toc, digest, content, diffId } = layer
    const known = this.byToc(digest)
    const id =
      known === undefined
        ? this.#insertRow(content, digest, diffId, sumOfSizes(toc), toc.entries.length)
        : diffId === undefined
          ? known.id
          : this.#withDiffId(known, diffId)
    this.#context.leases.hold(lease, 'layer', id)
    return this.byId(id) as LayerRecord
  }

  /** The ID of the record of the same table with that diff ID: the record itself, a sibling, or a new one. */
  #withDiffId(layer: LayerRecord, diffId: Digest): number {
    const { database } = this.#context
    if (layer.diffId === diffId) return layer.id
    if (layer.diffId === undefined) {
      const { contentId, tocDigest, unpackedSize, entries, id } = layer
      const seal = sealOf([id, contentId, tocDigest, diffId, unpackedSize, entries])
      database.run('UPDATE layers SET diff_id = ?, seal = ? WHERE id = ?', diffId, seal, id)
      return id
    }
    const sibling = this.#find('toc_digest = ? AND diff_id = ?', layer.tocDigest, diffId)
    return sibling?.id ?? this.#insertRow(layer.contentId, layer.tocDigest, diffId, layer.unpackedSize, layer.entries)
  }

  #insertRow(content: Digest, toc: Digest, diffId: Digest | undefined, size: number, entries: number): number {
    const { database } = this.#context
    const values = [content, toc, diffId ?? null, size, entries]
    const { id } = database.get<{ id: number }>(
      `INSERT INTO layers (content_id, toc_digest, diff_id, unpacked_size, entries)
       VALUES (?, ?, ?, ?, ?) RETURNING id`,
      ...values,
    ) as { id: number }
    database.run('UPDATE layers SET seal = ? WHERE id = ?', sealOf([id, ...values]), id)
    return id
  }

  #insertBlob(layer: number, { digest, size, compression, mediaType, packer, annotations }: LayerBlob): void {
    const json = annotations === undefined ? null : JSON.stringify(annotations)
    const values = [digest, size, compression, mediaType, packer, json]
    this.#context.database.run(
      `INSERT INTO layer_blobs (layer, digest, size, compression, media_type, packer, annotations, seal)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (layer, digest) DO NOTHING`,
      layer,
      ...values,
      sealOf([layer, ...values]),
    )
  }

  #find(condition: string, ...values: readonly (string | number)[]): LayerRecord | undefined {
    const { database } = this.#context
    const row = database.get<LayerRow>(`SELECT * FROM layers WHERE ${condition} ORDER BY id LIMIT 1`, ...values)
    if (row === undefined) return undefined
    checkLayer(row)
    const blobs = database.all<LayerBlobRow>('SELECT * FROM layer_blobs WHERE layer = ? ORDER BY digest', row.id)
    return {
      id: row.id,
      contentId: row.content_id,
      tocDigest: row.toc_digest,
      diffId: row.diff_id ?? undefined,
      unpackedSize: row.unpacked_size,
      entries: row.entries,
      blobs: blobs.map(blob => blobOf(row.id, blob)),
    }
  }

  #remember(digest: Digest, toc: Toc): void {
    this.#tocs.delete(digest)
    this.#tocs.set(digest, toc)
    const oldest = this.#tocs.keys().next().value
    if (this.#tocs.size > TOCS_KEPT && oldest !== undefined) this.#tocs.delete(oldest)
  }
}

/** Throws `STORE_DAMAGED` for the first damaged row: a collection would not see what it had kept. */
export function checkLayerRows(database: Database): void {
  for (const row of database.all<LayerRow>('SELECT * FROM layers')) checkLayer(row)
  const blobs = database.all<LayerBlobRow & { readonly layer: number }>('SELECT * FROM layer_blobs')
  for (const row of blobs) blobOf(row.layer, row)
}

function checkLayer({ id, content_id, toc_digest, diff_id, unpacked_size, entries, seal }: LayerRow): void {
  if (isSealed(seal, [id, content_id, toc_digest, diff_id, unpacked_size, entries])) return
  throw damagedRow(`the row of layer ${id}`)
}

function blobOf(layer: number, row: LayerBlobRow): LayerBlob {
  const { digest, size, compression, media_type: mediaType, packer, annotations: json, seal } = row
  const annotations = json === null ? undefined : readTexts(json)
  if (annotations === null || !isSealed(seal, [layer, digest, size, compression, mediaType, packer, json])) {
    throw damagedRow(`the row of blob ${digest} of layer ${layer}`)
  }
  return { digest, size, compression, mediaType, packer, annotations }
}

function sumOfSizes(toc: Toc): number {
  let sum = 0
  for (const entry of toc.entries) if (entry.kind === 'file') sum += entry.size
  return sum
}
