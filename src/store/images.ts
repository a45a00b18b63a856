import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, sha256, shortDigest } from '../oci/digest.ts'
import type { Index } from '../oci/manifest.ts'
import type { Platform } from '../oci/platform.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import type { FileBlobs } from './blobs.ts'
import type { Database } from './database.ts'
import type { ImageDocument } from './image-documents.ts'
import { incompleteImage } from './image-incomplete.ts'
import { summaries } from './image-list.ts'
import type { IndexEntry, KnownManifest } from './image-open.ts'
import type { Leases } from './leases.ts'
import { writeManifest } from './manifest-rows.ts'
import { deleteTag, getTag, setTag, type TagMove, tagHistory } from './tags.ts'
import type { ImageStore, ImageSummary, Lease, StoredImage, TagChange, TagRecord } from './types.ts'

export interface ImageContext {
  readonly database: Database
  readonly leases: Leases
  readonly blobs: FileBlobs
}

/** What reads manifests checks them with zod, whose start a listing need not wait for. */
const documents = () => import('./image-documents.ts')
const opening = () => import('./image-open.ts')

export function createImages(context: ImageContext): ImageStore {
  return new DatabaseImages(context)
}

interface ManifestRow {
  readonly digest: Digest
  readonly media_type: string
  readonly kind: 'manifest' | 'index'
  readonly os: string | null
  readonly architecture: string | null
  readonly variant: string | null
}

/** An image is what was registered; the manifests of a registered index are known, but no images by themselves. */
class DatabaseImages implements ImageStore {
  readonly #context: ImageContext

  constructor(context: ImageContext) {
    this.#context = context
  }

  async add(lease: Lease, raw: Uint8Array, mediaType: string): Promise<Descriptor> {
    const { blobs, database } = this.#context
    const digest = sha256(raw)
    const { loadImage } = await documents()
    const { document, children } = await loadImage(blobs, digest, raw, mediaType)
    await blobs.put(lease, raw)
    database.write(() => {
      for (const child of children) this.#insert(lease, child)
      this.#insert(lease, document)
      database.run('INSERT OR IGNORE INTO images (digest, added_at) VALUES (?, ?)', digest, Date.now())
    })
    return { mediaType: document.mediaType, digest, size: raw.byteLength }
  }

  tag(name: string, digest: Digest, why: string | TagMove): Digest | undefined {
    return this.#context.database.write(() => {
      this.#register(digest)
      return setTag(this.#context.database, name, digest, typeof why === 'string' ? { why } : why)
    })
  }

  tagAll(names: readonly string[], digest: Digest, why: string): void {
    this.#context.database.write(() => {
      for (const name of names) this.tag(name, digest, why)
    })
  }

  untag(name: string, why: string): boolean {
    return deleteTag(this.#context.database, name, why)
  }

  addRepoDigest(repository: string, digest: Digest): void {
    const { database } = this.#context
    database.write(() => {
      this.#register(digest)
      database.run('INSERT OR IGNORE INTO repo_digests (digest, repository) VALUES (?, ?)', digest, repository)
    })
  }

  getTag(name: string): TagRecord | undefined {
    return getTag(this.#context.database, name)
  }

  tagHistory(name: string): readonly TagChange[] {
    return tagHistory(this.#context.database, name)
  }

  list(): readonly ImageSummary[] {
    return summaries(this.#context.database)
  }

  get(id: Digest): ImageSummary | undefined {
    return summaries(this.#context.database, id)[0]
  }

  findByPrefix(prefix: string): readonly Digest[] {
    const text = /^sha(?:256|512):/.test(prefix) ? prefix : `sha256:${prefix}`
    if (!/^sha(?:256|512):[0-9a-f]+$/.test(text)) return []
    const rows = this.#context.database.all<{ digest: Digest }>(
      'SELECT digest FROM images WHERE digest >= ? AND digest < ? ORDER BY digest',
      text,
      `${text}g`,
    )
    return rows.map(row => row.digest)
  }

  findByConfig(config: Digest): readonly Digest[] {
    const rows = this.#context.database.all<{ digest: Digest }>(
      `WITH direct AS (SELECT manifest FROM manifest_refs WHERE digest = ? AND role = 'config')
       SELECT m.digest FROM manifests m LEFT JOIN images i ON i.digest = m.digest
       WHERE m.digest IN (
         SELECT manifest FROM direct
         UNION SELECT r.manifest FROM manifest_refs r JOIN direct d ON r.digest = d.manifest WHERE r.role = 'manifest')
       ORDER BY i.added_at IS NULL, i.added_at, m.digest`,
      config,
    )
    return rows.map(row => row.digest)
  }

  remove(id: Digest): void {
    const { database } = this.#context
    database.write(() => {
      const tags = database.all<{ name: string }>('SELECT name FROM tags WHERE digest = ?', id)
      if (tags.length > 0) {
        const names = tags.map(tag => tag.name).join(', ')
        throw new ShaleError('IMAGE_TAGGED', `cannot remove image ${id}: ${names} points at it`)
      }
      if (database.run('DELETE FROM images WHERE digest = ?', id) === 0) throw notFound(id)
    })
  }

  async open(id: Digest, platform?: Platform): Promise<StoredImage> {
    const known = this.#manifest(id)
    if (known === undefined) throw notFound(id)
    const { openImage } = await opening()
    return await openImage(this.#context.blobs, known, await this.#entries(known), platform, () => this.#label(id))
  }

  /** `app:1.0 (0123456789ab)`, the digest alone when it has no name. */
  #label(id: Digest): string {
    const tag = this.#context.database.get<{ name: string }>('SELECT name FROM tags WHERE digest = ? ORDER BY name', id)
    return tag === undefined ? id : `${familiarReference(parseReference(tag.name))} (${shortDigest(id)})`
  }

  async openIndex(id: Digest): Promise<Index | undefined> {
    const known = this.#manifest(id)
    if (known === undefined) throw notFound(id)
    return known.kind === 'index' ? await this.#readIndex(known) : undefined
  }

  async #entries(known: KnownManifest): Promise<readonly IndexEntry[]> {
    if (known.kind !== 'index') return []
    const index = await this.#readIndex(known)
    const rows = this.#context.database.all<ManifestRow>(
      `SELECT m.* FROM manifest_refs r JOIN manifests m ON m.digest = r.digest
       WHERE r.manifest = ? AND r.role = 'manifest'`,
      known.digest,
    )
    const { indexEntries } = await opening()
    return index === undefined ? [] : indexEntries(index, rows.map(knownOf))
  }

  async #readIndex({ digest, mediaType }: KnownManifest): Promise<Index | undefined> {
    const { readIndex } = await documents()
    return await readIndex(this.#context.blobs, digest, mediaType)
  }

  #manifest(digest: Digest): KnownManifest | undefined {
    const row = this.#context.database.get<ManifestRow>('SELECT * FROM manifests WHERE digest = ?', digest)
    return row && knownOf(row)
  }

  /** A known manifest (of an index) becomes an image of its own when it is named. */
  #register(digest: Digest): void {
    if (this.#manifest(digest) === undefined) throw notFound(digest)
    const { database } = this.#context
    database.run('INSERT OR IGNORE INTO images (digest, added_at) VALUES (?, ?)', digest, Date.now())
  }

  /** Inside the write transaction, everything that the document names is looked for once more and held. */
  #insert(lease: Lease, document: ImageDocument): void {
    const { database, blobs } = this.#context
    const { digest, refs } = document
    const missing = [{ role: 'manifest', digest }, ...refs].filter(ref => !blobs.keep(lease, ref.digest))
    if (missing.length > 0) {
      throw incompleteImage(
        digest,
        missing.map(ref => `${ref.role} ${ref.digest}`),
      )
    }
    writeManifest(database, document)
  }
}

function notFound(id: Digest): ShaleError {
  return new ShaleError('IMAGE_NOT_FOUND', `No such image: ${id}`)
}

function knownOf(row: ManifestRow): KnownManifest {
  const { os, architecture, variant } = row
  const platform =
    os === null || architecture === null ? undefined : { os, architecture, variant: variant ?? undefined }
  return { digest: row.digest, mediaType: row.media_type, kind: row.kind, platform }
}
