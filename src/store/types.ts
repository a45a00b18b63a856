import type { Toc } from '../layer/toc.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { ImageConfig } from '../oci/image-config.ts'
import type { Index, Manifest } from '../oci/manifest.ts'
import type { Compression } from '../oci/media-types.ts'
import type { Platform } from '../oci/platform.ts'
import type { CacheMountStore } from './cache-mounts.ts'
import type { DigestTable } from './digest-table.ts'
import type { OriginStore } from './origins.ts'
import type { PublicationStore } from './publications.ts'
import type { TagMove } from './tags.ts'
import type { VolumeStore } from './volumes.ts'

/**
 * Holds content against collection while work on it goes on: a row with a heartbeat, never a process ID. Everything
 * that is added to the store is added under a lease; what nothing else refers to goes when the lease has ended.
 */
export interface Lease {
  readonly id: string
  /** Idempotent. */
  end(): void
}

export interface BlobInfo {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
}

/** Writes one blob: a temporary file, hashed as it grows, that gets its name when it is whole. */
export interface BlobWriter {
  /** Absolute path of the temporary file, for callers who write it themselves and then call `adopt`. */
  readonly path: string
  write(chunk: Uint8Array): void | Promise<void>
  /** Verifies against `expected`, syncs, renames. Throws `BLOB_DIGEST_MISMATCH` or `BLOB_SIZE_MISMATCH`. */
  commit(expected?: { readonly digest?: Digest; readonly size?: number }): Promise<BlobInfo>
  /** Removes the temporary file; idempotent, and harmless after `commit`. */
  abort(): Promise<void>
}

/** The beginning of a blob that has not arrived whole. */
export interface BlobPart {
  /** Bytes. */
  readonly size: number
  /** Just these bytes. They are verified with the rest, when the blob is whole. */
  open(): AsyncIterable<Uint8Array>
}

export interface PartialWriter extends BlobWriter {
  /** Keeps what was written for another attempt, also of another process; the writer has ended. */
  suspend(): void
}

/** Blobs that have arrived in part. What is untouched for a day is removed. */
export interface PartialBlobs {
  /** The longest part of a blob, also one that a killed process left. */
  find(digest: Digest): BlobPart | undefined
  /** Writes the blob from its first byte on; `origin` is noted beside it, for people. */
  writer(lease: Lease, digest: Digest, origin: string): PartialWriter
  /** Removes all parts of a blob. */
  drop(digest: Digest): void
}

/** Content by digest, as files `blobs/sha256/<hex>`, mode 0444. */
export interface BlobStore {
  /** The blob's size in bytes, or undefined when the store does not have it. */
  size(digest: Digest): number | undefined
  put(lease: Lease, bytes: Uint8Array): Promise<BlobInfo>
  writer(lease: Lease): BlobWriter
  /** Takes a finished file of the store's own temporary folder, of which the caller has computed the digest. */
  adopt(lease: Lease, path: string, info: BlobInfo): Promise<BlobInfo>
  /** Whole and verified; for documents. Throws `BLOB_MISSING`, `BLOB_DAMAGED`, `DOCUMENT_TOO_LARGE`. */
  read(digest: Digest): Promise<Buffer>
  /** Streams it; throws `BLOB_DAMAGED` at the end when size or digest is wrong, `BLOB_MISSING` at the start. */
  stream(digest: Digest): AsyncIterable<Uint8Array>
  /** Where the file is, for readers that verify by themselves. */
  path(digest: Digest): string
}

/** One compressed (or plain) form of a layer. */
export interface LayerBlob {
  readonly digest: Digest
  readonly size: number
  readonly compression: Compression
  readonly mediaType: string
  /** Who made it: packer version, level; `imported` for bytes that came from outside. Part of blob selection. */
  readonly packer: string
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

export interface LayerRecord {
  readonly id: number
  /** Digest of the table of contents without times: the same for layers that differ in mtimes only. */
  readonly contentId: Digest
  /** Digest of the encoded table of contents, which is a blob of the store. */
  readonly tocDigest: Digest
  /** Digest of the uncompressed tar; unknown until the layer was packed once. */
  readonly diffId?: Digest | undefined
  /** Sum of the files' sizes in bytes. */
  readonly unpackedSize: number
  readonly entries: number
  readonly blobs: readonly LayerBlob[]
}

export interface NewLayer {
  readonly toc: Toc
  readonly diffId?: Digest | undefined
}

export interface LayerStore {
  byId(id: number): LayerRecord | undefined
  byDiffId(diffId: Digest): LayerRecord | undefined
  byToc(tocDigest: Digest): LayerRecord | undefined
  /** Idempotent: a layer with the same table (and diff ID, where both are known) is the same record. */
  add(lease: Lease, layer: NewLayer): Promise<LayerRecord>
  /** Records the diff ID and, when given, the blob that packing has made. Idempotent. */
  setPacked(lease: Lease, id: number, diffId: Digest, blob?: LayerBlob): LayerRecord
  /** Decoded; the most recently used few are kept in memory. */
  toc(record: LayerRecord): Promise<Toc>
}

/**
 * Unpacked layers: `trees/<number>`, short so that many fit into one mount. `key` is the layer's tocDigest, followed by
 * `:` and the chain ID of the layers below when the tree depends on those (see layer/apply).
 */
export interface TreeStore {
  /** Absolute path of a finished tree; marks it as used and, with a lease, protects it until that ends. */
  find(key: string, lease?: Lease): string | undefined
  /** A fresh empty folder to fill; `commit` publishes it under `key` (or, if another was first, drops it) and gives the path. */
  begin(lease: Lease, key: string): TreeWriter
}

export interface TreeWriter {
  readonly path: string
  commit(): string
  abort(): Promise<void>
}

/** What a tag or ID names: raw documents kept as received. */
export interface StoredManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly raw: Buffer
  readonly manifest: Manifest
}

/** One platform's image, everything needed to run or build on it. */
export interface StoredImage {
  /** Digest of the manifest. */
  readonly digest: Digest
  readonly mediaType: string
  readonly manifest: Manifest
  readonly rawManifest: Buffer
  readonly config: ImageConfig
  readonly rawConfig: Buffer
}

export interface TagRecord {
  /** Complete name with tag: `docker.io/library/debian:trixie`. */
  readonly name: string
  /** Digest of the manifest or index that the tag points at: the image ID. */
  readonly digest: Digest
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface TagChange {
  readonly name: string
  readonly digest?: Digest | undefined
  readonly previous?: Digest | undefined
  readonly at: number
  /** `build`, `tag`, `pull`, `load`, `promote`, `rollback`, `rmi`, … */
  readonly why: string
  /** The user who moved it; unknown for what was noted before users were. */
  readonly who?: string | undefined
}

export interface ImageSummary {
  /** Digest of manifest or index: the image ID. */
  readonly id: Digest
  readonly mediaType: string
  readonly names: readonly string[]
  /** `registry/repository@digest` names that it was pulled from or pushed to. */
  readonly repoDigests: readonly string[]
  /** Milliseconds since 1970: when the store first had it. */
  readonly addedAt: number
  /** Of an index those of the host's image, else of its first; absent when it holds no image config. */
  readonly details?: ImageDetails | undefined
}

/** What a listing shows of an image without reading its documents. */
export interface ImageDetails {
  /** As the config has it, RFC 3339. */
  readonly created?: string | undefined
  readonly platform: Platform
  readonly labels: Readonly<Record<string, string>>
  /** Sum of the layers' files in bytes; layers whose table the store does not have count nothing. */
  readonly unpackedSize: number
}

export interface ImageStore {
  /**
   * Registers a manifest or index (raw bytes as received) whose config and layers are in the store already; for an
   * index at least one manifest must be. Idempotent. Throws `IMAGE_INCOMPLETE` and names what is missing.
   */
  add(lease: Lease, raw: Uint8Array, mediaType: string): Promise<Descriptor>
  /**
   * Points a tag at a registered image, one transaction, and gives what it pointed at before, which stays as an untagged
   * image. Throws `TAG_MOVED` when that was not the expected one.
   */
  tag(name: string, digest: Digest, why: string | TagMove): Digest | undefined
  /** Points several tags at an image: all of them, or when one cannot be none. */
  tagAll(names: readonly string[], digest: Digest, why: string): void
  untag(name: string, why: string): boolean
  /** Notes that `repository@digest` is known at a registry. */
  addRepoDigest(repository: string, digest: Digest): void
  getTag(name: string): TagRecord | undefined
  /** Newest first. */
  tagHistory(name: string): readonly TagChange[]
  list(): readonly ImageSummary[]
  get(id: Digest): ImageSummary | undefined
  /** Image IDs that begin with these hex digits (with or without `sha256:`). */
  findByPrefix(prefix: string): readonly Digest[]
  /** Manifests with this config, and the indexes over them: images first, in the order in which they came. */
  findByConfig(config: Digest): readonly Digest[]
  /** Forgets an image (no tag may point at it: `IMAGE_TAGGED`); its content goes with the next collection. */
  remove(id: Digest): void
  /** The image of a manifest, or of the index' manifest for `platform` (the host's if absent). Verified. */
  open(id: Digest, platform?: Platform): Promise<StoredImage>
  openIndex(id: Digest): Promise<Index | undefined>
}

/** A manifest over an image's config and layers in another compression: what a registry got instead of the image. */
export interface ImageVariant {
  /** Of the variant's manifest, which is a blob of the store. */
  readonly digest: Digest
  /** Of the manifest that it was made from. */
  readonly original: Digest
  readonly compression: Compression
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Variants stay as long as their originals do. */
export interface VariantStore {
  /** Idempotent. Throws `BLOB_MISSING` when the store does not have the variant's manifest. */
  add(lease: Lease, variant: Omit<ImageVariant, 'at'>): void
  /** The newest first. */
  of(original: Digest): readonly ImageVariant[]
  /** What a digest that a registry shows was made from. */
  find(digest: Digest): ImageVariant | undefined
}

/** What refers to images and is none: signatures, SBOMs. It stays as long as its subject does. */
export interface ReferrerStore {
  /**
   * Notes a manifest that refers to another; both it and what it names are blobs of the store. Idempotent. Throws
   * `BLOB_MISSING`.
   */
  add(lease: Lease, subject: Digest, referrer: Digest, blobs: readonly Digest[]): void
  /** Digests of manifests, in the order in which they came. */
  of(subject: Digest): readonly Digest[]
}

/** How one ingredient of a key is named and what it was: `{ name: 'env PATH', value: '…' }`. */
export interface Ingredient {
  readonly name: string
  readonly value: string
}

/** A recorded step: what went into its key, and what came out. */
export interface CacheRecord {
  readonly key: Digest
  /** The step as shown to the user: `RUN npm ci`. */
  readonly title: string
  readonly kind: string
  readonly ingredients: readonly Ingredient[]
  /** Digest of an encoded table of contents of the files that the step read, if it read any (a blob of the store). */
  readonly inputToc?: Digest | undefined
  /** The layer that came out; absent when the step changes no file. */
  readonly layerId?: number | undefined
  /** Milliseconds since 1970, and how long the step took in ms. */
  readonly createdAt: number
  readonly durationMs: number
  readonly lastUsedAt: number
  readonly uses: number
}

/** One step of a recorded build, for explaining the next one. */
export interface BuiltStep {
  readonly stage: string
  readonly ordinal: number
  readonly title: string
  readonly key: Digest
}

export interface CacheStore {
  /** Marks it as used; with a lease, protects its layer until that ends. */
  find(key: Digest, lease?: Lease): CacheRecord | undefined
  /** The same without marking anything. */
  peek(key: Digest): CacheRecord | undefined
  /** Throws `LAYER_MISSING` or `BLOB_MISSING` when what it refers to is not in the store. */
  put(lease: Lease, record: Omit<CacheRecord, 'lastUsedAt' | 'uses'>): void
  list(): readonly CacheRecord[]
  remove(keys: readonly Digest[]): void
  /** `lineage` names "the same build again": context folder, Dockerfile, target. */
  lastBuild(lineage: string): readonly BuiltStep[]
  saveBuild(lineage: string, steps: readonly BuiltStep[]): void
}

/** What is known of a context folder from builds before; a missing or damaged part is empty. */
export interface StatIndex {
  /** Digests of files read before, found again by their stat. */
  load(folder: string): DigestTable
  save(folder: string, digests: DigestTable): void
  /** What COPY made of the same files: content IDs of layers, the newest first. The keys are the builder's. */
  memos(folder: string): ReadonlyMap<Digest, Digest>
  /** Keeps the first few hundred. */
  saveMemos(folder: string, memos: ReadonlyMap<Digest, Digest>): void
}

export type HoldTarget =
  | { readonly kind: 'blob'; readonly digest: Digest }
  | { readonly kind: 'layer'; readonly id: number }
  /** With everything that it refers to. */
  | { readonly kind: 'image'; readonly id: Digest }

export interface Store {
  readonly root: string
  /**
   * Same file system as everything else of the store. What is untouched for a day is taken for a dead process'
   * leftover and removed, unless its name begins with a live lease's ID: so name what you keep for long.
   */
  readonly tempDir: string
  /** For notes on uploads under way; what is untouched for a day is removed. */
  readonly uploadsDir: string
  readonly blobs: BlobStore
  readonly partials: PartialBlobs
  readonly layers: LayerStore
  readonly trees: TreeStore
  readonly images: ImageStore
  readonly variants: VariantStore
  readonly referrers: ReferrerStore
  readonly cache: CacheStore
  readonly cacheMounts: CacheMountStore
  readonly volumes: VolumeStore
  readonly origins: OriginStore
  readonly publications: PublicationStore
  readonly statIndex: StatIndex
  lease(purpose: string): Lease
  /**
   * Protects something found in the store until the lease ends. False when it is not there (any more): then look for it
   * elsewhere. What is added under a lease is held already.
   */
  hold(lease: Lease, target: HoldTarget): boolean
  /** Ends this process' leases and lets the database go; idempotent. */
  close(): void
}
