import type { Digest } from '../../oci/digest.ts'

/** A stretch of a sorted list: what comes after `last` (byte order), at most `limit`. */
export interface Page {
  readonly limit: number
  readonly last?: string | undefined
}

/** One entry more than fits may be there: `more`. */
export interface Listed<T> {
  readonly items: readonly T[]
  readonly more: boolean
}

export interface Repositories {
  /** Whether anything was pushed to it. */
  has(name: string): Promise<boolean>
  /** Names of those that have a manifest. */
  list(page: Page): Promise<Listed<string>>
}

/** Which blobs a repository has; a blob is only there for those who may read a repository that has it. */
export interface BlobLinks {
  /** True also makes sure that the blob is not collected within the grace period: who is told counts on it. */
  has(repository: string, digest: Digest): Promise<boolean>
  /** Idempotent, on the disk when it returns; makes the repository. False when the storage has lost the blob. */
  link(repository: string, digest: Digest): Promise<boolean>
  /** `needed`: a manifest of the repository names it, so that it stays. */
  unlink(repository: string, digest: Digest): Promise<'unlinked' | 'unknown' | 'needed'>
  /** Some repositories that have it. */
  holders(digest: Digest, limit: number): Promise<readonly string[]>
}

export interface ManifestRecord {
  readonly digest: Digest
  readonly mediaType: string
  /** Bytes. */
  readonly size: number
}

/** What is noted of a manifest when it comes. */
export interface NewManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly artifactType?: string | undefined
  readonly subject?: Digest | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  /** What must be in the repository. */
  readonly blobs: readonly Digest[]
  readonly manifests: readonly Digest[]
  /** What is kept with it when the repository has it, and is not missed otherwise. */
  readonly optional?: readonly Digest[] | undefined
}

/** Who does something, and which tags stay where they are. */
export interface Change {
  /** Who; undefined for nobody known. */
  readonly by: string | undefined
  readonly isImmutable: (tag: string) => boolean
}

export interface Push extends Change {
  readonly tags: readonly string[]
  /** Where the tags must point now: a digest, or `absent`. */
  readonly expect?: Digest | 'absent' | undefined
}

export type Pushed =
  | { readonly kind: 'stored' }
  | { readonly kind: 'missing'; readonly blobs: readonly Digest[]; readonly manifests: readonly Digest[] }
  /** The tag points at `digest` and may not be moved. */
  | { readonly kind: 'immutable'; readonly tag: string; readonly digest: Digest }
  /** The tag is not where `expect` says. */
  | { readonly kind: 'moved'; readonly tag: string; readonly digest: Digest | undefined }

export type Removed =
  | { readonly kind: 'removed' | 'unknown' }
  | { readonly kind: 'immutable'; readonly tag: string }
  /** An index of the repository names it. */
  | { readonly kind: 'needed'; readonly by: Digest }

export interface Referrer extends ManifestRecord {
  readonly artifactType: string | undefined
  readonly annotations: Readonly<Record<string, string>> | undefined
}

export interface Manifests {
  get(repository: string, digest: Digest): Promise<ManifestRecord | undefined>
  /** All or nothing: the manifest with its references and the tags' moves. On the disk when it returns. */
  put(repository: string, manifest: NewManifest, push: Push): Promise<Pushed>
  /** With the tags that point at it. */
  remove(repository: string, digest: Digest, change: Change): Promise<Removed>
  /** Manifests whose subject it is, by digest. */
  referrers(
    repository: string,
    subject: Digest,
    artifactType: string | undefined,
    page: Page,
  ): Promise<Listed<Referrer>>
}

export interface TagChange {
  /** Undefined: the tag was removed. */
  readonly digest: Digest | undefined
  readonly previous: Digest | undefined
  /** Milliseconds since 1970. */
  readonly at: number
  readonly by: string | undefined
}

/** Tags are history: every move is kept with time, user, from and to. */
export interface Tags {
  resolve(repository: string, tag: string): Promise<ManifestRecord | undefined>
  list(repository: string, page: Page): Promise<Listed<string>>
  remove(repository: string, tag: string, change: Change): Promise<Exclude<Removed, { readonly kind: 'needed' }>>
  /** Newest first. */
  history(repository: string, tag: string): Promise<readonly TagChange[]>
}

/** What is where. Several servers may share it: nothing of it lives in a process. */
export interface RegistryMetadata {
  readonly repositories: Repositories
  readonly blobs: BlobLinks
  readonly manifests: Manifests
  readonly tags: Tags
}
