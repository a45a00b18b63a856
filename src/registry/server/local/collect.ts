import { type CollectResult, collect } from '../../../store/collect.ts'
import type { LocalStore } from '../../../store/open.ts'
import type { BlobUploads } from '../blob-storage.ts'
import { openRegistry } from './open.ts'

/** In milliseconds. */
export interface RegistryCollectOptions {
  /** How long a blob stays that no manifest names: a push in several steps, or a mount, may still need it. */
  readonly grace: number
  /** How long an upload stays in which nothing happens. Default: a day. */
  readonly uploadExpiry?: number | undefined
  /** Since 1970; the wall clock if absent. */
  readonly now?: number | undefined
}

export interface RegistryCollected {
  /** Uploads given up. */
  readonly uploads: number
  /** Blobs taken out of repositories in which no manifest names them. */
  readonly links: number
  /** What nothing in the store needs any more: neither the registry nor images nor the build cache. */
  readonly collected: CollectResult
}

/** A server looks at a link's age each minute only; within less a client could lose what it was told is there. */
export const SHORTEST_GRACE_MS = 2 * 60_000

const UPLOAD_EXPIRY_MS = 24 * 60 * 60_000

/** Collects while servers, builders and other collections of the store go on. */
export async function collectRegistry(
  store: LocalStore,
  uploads: BlobUploads,
  options: RegistryCollectOptions,
): Promise<RegistryCollected> {
  const now = options.now ?? Date.now()
  const expired = await uploads.expire(now - (options.uploadExpiry ?? UPLOAD_EXPIRY_MS))
  const links = unlinkUnneeded(store, now - Math.max(options.grace, SHORTEST_GRACE_MS))
  return { uploads: expired, links, collected: await collect(store, { now }) }
}

/** As `collectRegistry`, for a process that serves nothing. */
export async function collectOnce(store: LocalStore, options: RegistryCollectOptions): Promise<RegistryCollected> {
  const registry = openRegistry(store)
  try {
    return await collectRegistry(store, registry.blobs.uploads, options)
  } finally {
    registry.close()
  }
}

/** Before the store's own collection, which keeps whatever a repository or a fresh blob's row names. */
function unlinkUnneeded({ database }: LocalStore, before: number): number {
  return database.write(() => {
    database.run('DELETE FROM registry_fresh WHERE at < ?', before)
    return database.run(
      `DELETE FROM registry_blobs AS l WHERE used_at < ? AND NOT EXISTS
         (SELECT 1 FROM registry_refs r WHERE r.repository = l.repository AND r.digest = l.digest)`,
      before,
    )
  })
}
