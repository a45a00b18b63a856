import { openDatabase } from '../../../store/database.ts'
import type { LocalStore } from '../../../store/open.ts'
import type { BlobStorage } from '../blob-storage.ts'
import type { ManifestRecord, RegistryMetadata } from '../metadata.ts'
import { storeBlobLinks } from './blob-links.ts'
import { storeBlobs } from './blob-storage.ts'
import { storeManifests } from './manifests.ts'
import { storeRepositories } from './repositories.ts'
import { storeTags } from './tags.ts'
import { TurnMemo } from './turn-memo.ts'
import { UploadRows } from './upload-rows.ts'
import { StoreUploads } from './uploads.ts'

/** A registry's storage in the store, beside images, layers and build cache. */
export interface LocalRegistry {
  readonly blobs: BlobStorage
  readonly metadata: RegistryMetadata
  /** Idempotent; the store stays open. */
  close(): void
}

/** The store must be open durably: an acknowledged push is on the disk. Any number of processes may serve one store. */
export function openRegistry(store: LocalStore): LocalRegistry {
  const scratch = openDatabase(store.layout.database)
  const { database } = store
  const memo = new TurnMemo<ManifestRecord | undefined>()
  return {
    blobs: storeBlobs(store, new StoreUploads(store, new UploadRows(scratch))),
    metadata: {
      repositories: storeRepositories(database),
      blobs: storeBlobLinks(store, scratch),
      manifests: storeManifests(store, memo),
      tags: storeTags(database, memo),
    },
    close: () => scratch.close(),
  }
}
