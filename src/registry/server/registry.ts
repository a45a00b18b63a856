import type { BlobStorage } from './blob-storage.ts'
import type { ManifestCache } from './manifest-cache.ts'
import type { RegistryMetadata } from './metadata.ts'

/** In bytes, and how many at once. */
export interface Limits {
  readonly upload: number
  readonly manifest: number
  /** Requests that write an upload at the same time. */
  readonly uploads: number
  /** Bytes a second that a client must send or take at least; 0: as slowly as it likes. */
  readonly rate: number
}

export const DEFAULT_LIMITS: Limits = { upload: 64 * 2 ** 30, manifest: 4 * 2 ** 20, uploads: 256, rate: 1024 }

export type Action = 'pull' | 'push' | 'delete'

/** Who may do what; `user` is undefined for who has not signed in. */
export interface Permissions {
  readonly may: (user: string | undefined, action: Action, repository: string) => boolean
}

/** What the handlers work on. */
export interface Registry {
  readonly blobs: BlobStorage
  readonly metadata: RegistryMetadata
  readonly manifests: ManifestCache
  readonly limits: Limits
  readonly permissions: Permissions
  readonly isImmutable: (repository: string, tag: string) => boolean
  /** Uploads that write now, in this process. */
  readonly writing: { count: number }
}
