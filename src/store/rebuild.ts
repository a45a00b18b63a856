import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ShaleError } from '../error.ts'
import { CONFIG_TYPES } from '../oci/config-types.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { MAX_DOCUMENT_BYTES, parseManifest } from '../oci/manifest.ts'
import { MediaType } from '../oci/media-types.ts'
import { streamVerified } from './blob-read.ts'
import { BLOB_FOLDERS, blobPath, type Layout, layoutOf, makeFolders } from './layout.ts'
import { noteLayers } from './note-layers.ts'
import { type LocalStore, openAt, type StoreOptions } from './open.ts'
import { registerDocument } from './register.ts'
import { NOTHING, type Salvaged, salvage } from './salvage.ts'
import { restoreRegistry } from './salvage-registry.ts'
import { isCompleteName } from './tags.ts'
import type { Lease } from './types.ts'

export interface Rebuilt {
  /** Where the damaged database is now; undefined when there was none. */
  readonly kept: string | undefined
  readonly images: number
  readonly tags: readonly string[]
  /** Names that were read from the damaged database, but whose image is not whole. */
  readonly lostTags: readonly string[]
}

/**
 * Makes a new database from the blobs, and from what can still be read of the damaged one: names, which documents are
 * images or refer to some, and the registry's repositories. The build cache starts anew. No other process may have the
 * store open. Killed at any instant, it has either not happened or is done.
 */
export async function rebuildStore(options: StoreOptions): Promise<Rebuilt> {
  const layout = layoutOf(options.root)
  makeFolders(layout)
  const existed = existsSync(layout.database)
  const salvaged = existed ? salvage(layout.database) : NOTHING
  const fresh = `${layout.database}.rebuilt`
  removeDatabase(fresh)
  const store = openAt({ ...layout, database: fresh }, options, () => true)
  try {
    const lease = store.lease('rebuild')
    noteTrees(store)
    const digests = await noteBlobs(store)
    const manifests = await noteManifests(store, lease, digests)
    const images = await register(store, lease, manifests, salvaged)
    noteReferrers(store, lease, manifests, salvaged)
    const tags = nameImages(store, salvaged)
    restoreRegistry(store.database, salvaged.registry)
    store.close()
    return { kept: exchange(layout, fresh, existed), images, ...tags }
  } finally {
    store.close()
  }
}

/** Their numbers must not be given again; what they hold can be unpacked anew. */
function noteTrees(store: LocalStore): void {
  store.database.write(() => {
    for (const name of readdirSync(store.layout.trees).filter(name => /^[1-9]\d{0,14}$/.test(name))) {
      const sql = "INSERT INTO trees (id, key, state, used_at) VALUES (?, '', 'doomed', 0)"
      store.database.run(sql, Number(name))
    }
  })
}

async function noteBlobs(store: LocalStore): Promise<readonly Digest[]> {
  const digests: Digest[] = []
  for (const algorithm of BLOB_FOLDERS) {
    for (const name of readdirSync(join(store.layout.blobs, algorithm))) {
      const digest = `${algorithm}:${name}`
      if (!isDigest(digest)) continue
      const path = blobPath(store.layout, digest)
      const { size } = statSync(path)
      if (!(await isWhole(path, digest, size))) continue
      digests.push(digest)
      store.database.write(() => {
        const sql = 'INSERT INTO blobs (digest, size, added_at) VALUES (?, ?, ?)'
        store.database.run(sql, digest, size, Date.now())
      })
    }
  }
  return digests
}

async function isWhole(path: string, digest: Digest, size: number): Promise<boolean> {
  try {
    for await (const _ of streamVerified(path, { digest, size }));
    return true
  } catch (error) {
    if (error instanceof ShaleError) return false
    throw error
  }
}

interface FoundManifests {
  readonly manifests: readonly Digest[]
  readonly indexes: readonly Digest[]
  /** Manifests that an index names. */
  readonly named: ReadonlySet<Digest>
  readonly referring: readonly Referring[]
}

/** A manifest that refers to another. */
interface Referring {
  readonly digest: Digest
  readonly subject: Digest
  /** Digests of the blobs that it names. */
  readonly blobs: readonly Digest[]
}

/** Finds the manifests among the blobs, and indexes the layers of those whose layers are there. */
async function noteManifests(store: LocalStore, lease: Lease, digests: readonly Digest[]): Promise<FoundManifests> {
  const manifests: Digest[] = []
  const indexes: Digest[] = []
  const named = new Set<Digest>()
  const referring: Referring[] = []
  for (const digest of digests) {
    const document = await documentOf(store, digest)
    if (document?.kind === 'index') {
      indexes.push(digest)
      for (const child of document.index.manifests) named.add(child.digest)
    } else if (document?.kind === 'manifest') {
      const { subject, config, layers } = document.manifest
      manifests.push(digest)
      if (subject !== undefined && !CONFIG_TYPES.has(config.mediaType)) {
        referring.push({ digest, subject: subject.digest, blobs: [config, ...layers].map(each => each.digest) })
      }
      await noteLayers(store, lease, document.manifest)
    }
  }
  return { manifests, indexes, named, referring }
}

async function documentOf(store: LocalStore, digest: Digest) {
  const size = store.blobs.size(digest) ?? 0
  if (size === 0 || size > MAX_DOCUMENT_BYTES) return undefined
  const raw = await store.blobs.read(digest)
  if (raw[0] !== 0x7b) return undefined
  try {
    const { mediaType, manifests, config } = JSON.parse(raw.toString('utf8'))
    if (manifests === undefined && (config === undefined || config.digest === undefined)) return undefined
    return parseManifest(raw, mediaType ?? (manifests === undefined ? MediaType.ociManifest : MediaType.ociIndex))
  } catch {
    // Some other JSON: an image's config, an attestation.
    return undefined
  }
}

/** Indexes last, for they need their manifests. Without a list of images, everything that no index names is one. */
async function register(store: LocalStore, lease: Lease, found: FoundManifests, salvaged: Salvaged): Promise<number> {
  const { manifests, indexes, named } = found
  const documents = new Set([...manifests, ...indexes])
  const known = new Set([...(salvaged.images ?? []), ...salvaged.tags.map(({ digest }) => digest)])
  // An image that is none of the blobs was another before a bit flipped.
  const isTrusted = salvaged.images?.every(digest => documents.has(digest)) ?? false
  const isImage = (digest: Digest) => known.has(digest) || (!isTrusted && !named.has(digest))
  let count = 0
  for (const digest of [...documents].filter(isImage)) {
    if (await registerDocument(store, lease, digest)) count++
  }
  return count
}

/** Without a list of them, everything that has a subject is one; those whose subject is not there go with the next collection. */
function noteReferrers(store: LocalStore, lease: Lease, { referring }: FoundManifests, { referrers }: Salvaged): void {
  for (const { digest, subject, blobs } of referring) {
    if (referrers !== undefined && !referrers.includes(digest)) continue
    if ([digest, ...blobs].some(each => store.blobs.size(each) === undefined)) continue
    store.referrers.add(lease, subject, digest, blobs)
  }
}

function nameImages(store: LocalStore, salvaged: Salvaged): Pick<Rebuilt, 'tags' | 'lostTags'> {
  const isThere = (digest: Digest) => store.images.get(digest) !== undefined
  const tags = salvaged.tags.filter(({ name, digest }) => isCompleteName(name) && isThere(digest))
  for (const { name, digest } of tags) store.images.tag(name, digest, 'rebuild')
  for (const { repository, digest } of salvaged.repoDigests) {
    if (isCompleteName(`${repository}:tag`) && isThere(digest)) store.images.addRepoDigest(repository, digest)
  }
  const lostTags = salvaged.tags.filter(tag => !tags.includes(tag)).map(({ name }) => name)
  return { tags: tags.map(({ name }) => name), lostTags }
}

/** The damaged database gets another name, the new one its place. */
function exchange(layout: Layout, fresh: string, existed: boolean): string | undefined {
  const kept = freeName(`${layout.database}.damaged`)
  if (existed) renameSync(layout.database, kept)
  for (const suffix of ['-wal', '-shm']) rmSync(`${layout.database}${suffix}`, { force: true })
  renameSync(fresh, layout.database)
  return existed ? kept : undefined
}

function freeName(path: string): string {
  for (let at = 1; ; at++) if (!existsSync(`${path}-${at}`)) return `${path}-${at}`
}

function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
}
