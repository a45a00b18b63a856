import { existsSync, mkdirSync } from 'node:fs'
import { type Digest, sha256 } from '../oci/digest.ts'
import type { Database } from './database.ts'
import { cacheMountPath, type Layout } from './layout.ts'
import { LEASE_EXPIRY_MS, type Leases } from './leases.ts'
import type { CacheRecord, Lease } from './types.ts'

/** How several steps use one cache at once: together, each its own, or one after the other. */
export type CacheSharing = 'shared' | 'private' | 'locked'

export interface CacheMountRequest {
  /** Which cache: everything that tells it from others. */
  readonly key: Digest
  /** For people. */
  readonly title: string
  readonly sharing: CacheSharing
  /** Begin with an empty one, and forget those that nobody uses. */
  readonly fresh: boolean
}

export interface HeldCacheMount {
  /** Absolute path of the folder. */
  readonly path: string
  /** The folder is empty and ours alone until `filled` is called. */
  readonly isNew: boolean
  filled(): void
}

export interface CacheMountHold {
  /** In the order of the requests; the same cache asked for twice is the same folder. */
  readonly mounts: readonly HeldCacheMount[]
  /** Idempotent. A folder that was not filled is removed by the next collection. */
  release(): void
}

/**
 * Folders that outlast the steps that write to them: `caches/<number>`. A cache may have several folders, the one used
 * last is the first choice.
 */
export interface CacheMountStore {
  /** All of them or none: undefined while somebody uses one in a way that excludes us. */
  acquire(lease: Lease, requests: readonly CacheMountRequest[]): CacheMountHold | undefined
  list(): readonly CacheMountInfo[]
  /** Has its folder removed by the next collection, unless it is used or was since `usedAt`. */
  remove(id: number, usedAt: number): boolean
}

export interface CacheMountInfo {
  readonly id: number
  readonly path: string
  readonly inUse: boolean
  /** As one more record of the build cache, of kind {@link CACHE_MOUNT_KIND}. */
  readonly record: CacheRecord
}

/** BuildKit's word for it in filters. */
export const CACHE_MOUNT_KIND = 'exec.cachemount'

interface CacheRow {
  readonly id: number
  readonly key: Digest
  readonly title: string
  readonly state: 'filling' | 'ready' | 'doomed'
  readonly created_at: number
  readonly used_at: number
  readonly uses: number
}

interface UseRow {
  readonly cache: number
  readonly token: number
  readonly sharing: CacheSharing | 'filling'
}

export function createCacheMounts(context: CacheMountContext): CacheMountStore {
  return new DatabaseCacheMounts(context)
}

interface CacheMountContext {
  readonly layout: Layout
  readonly database: Database
  readonly leases: Leases
}

const LIVE_USES = `SELECT u.cache, u.token, u.sharing FROM cache_mount_uses u JOIN leases l ON l.id = u.lease
  WHERE l.heartbeat >= ?`

class DatabaseCacheMounts implements CacheMountStore {
  readonly #context: CacheMountContext

  constructor(context: CacheMountContext) {
    this.#context = context
  }

  acquire(lease: Lease, requests: readonly CacheMountRequest[]): CacheMountHold | undefined {
    const { database, leases } = this.#context
    return database.write(() => {
      leases.ensure(lease)
      const taken = this.#take(lease, requests)
      if (taken === undefined) return undefined
      return { mounts: requests.map(({ key }) => taken.get(key) as HeldCacheMount), release: this.#release(taken) }
    })
  }

  list(): readonly CacheMountInfo[] {
    const { database, layout } = this.#context
    const used = new Set(this.#uses().map(({ cache }) => cache))
    return database
      .all<CacheRow>("SELECT * FROM cache_mounts WHERE state <> 'doomed' ORDER BY created_at, id")
      .map(row => ({
        id: row.id,
        path: cacheMountPath(layout, row.id),
        inUse: used.has(row.id),
        record: recordOf(row),
      }))
  }

  remove(id: number, usedAt: number): boolean {
    const { database } = this.#context
    return database.write(() => {
      if (this.#uses().some(({ cache }) => cache === id)) return false
      return database.run("UPDATE cache_mounts SET state = 'doomed' WHERE id = ? AND used_at = ?", id, usedAt) > 0
    })
  }

  #uses(): readonly UseRow[] {
    return this.#context.database.all<UseRow>(LIVE_USES, Date.now() - LEASE_EXPIRY_MS)
  }

  /** Looks whether all can be had before anything is changed. */
  #take(lease: Lease, requests: readonly CacheMountRequest[]): Map<Digest, Taken> | undefined {
    const uses = this.#uses()
    const choices = new Map<Digest, { readonly request: CacheMountRequest; readonly choice: CacheRow | 'new' }>()
    for (const request of requests) {
      if (choices.has(request.key)) continue
      const choice = choose(request, this.#rows(request.key), uses)
      if (choice === 'wait') return undefined
      choices.set(request.key, { request, choice })
    }
    const taken = new Map<Digest, Taken>()
    for (const [key, { request, choice }] of choices) {
      if (request.fresh) this.#forgetUnused(key, uses)
      taken.set(key, choice === 'new' ? this.#make(lease, request) : this.#use(lease, choice, request.sharing))
    }
    return taken
  }

  /** Those that can be used or are being made, and whose folder is there. */
  #rows(key: Digest): readonly CacheRow[] {
    const sql = "SELECT * FROM cache_mounts WHERE key = ? AND state <> 'doomed' ORDER BY used_at DESC, id DESC"
    const { database, layout } = this.#context
    return database.all<CacheRow>(sql, key).filter(({ id }) => existsSync(cacheMountPath(layout, id)))
  }

  #forgetUnused(key: Digest, uses: readonly UseRow[]): void {
    for (const { id } of this.#rows(key)) {
      if (uses.some(({ cache }) => cache === id)) continue
      this.#context.database.run("UPDATE cache_mounts SET state = 'doomed' WHERE id = ?", id)
    }
  }

  #make(lease: Lease, { key, title, sharing }: CacheMountRequest): Taken {
    const { database, layout } = this.#context
    const now = Date.now()
    const { id } = database.get<{ id: number }>(
      `INSERT INTO cache_mounts (key, title, state, created_at, used_at, uses) VALUES (?, ?, 'filling', ?, ?, 0)
       RETURNING id`,
      ...[key, title, now, now],
    ) as { id: number }
    const path = cacheMountPath(layout, id)
    mkdirSync(path, { mode: 0o755 })
    const token = this.#note(lease, id, 'filling')
    const filled = () =>
      database.write(() => {
        database.run("UPDATE cache_mounts SET state = 'ready' WHERE id = ?", id)
        database.run('UPDATE cache_mount_uses SET sharing = ? WHERE token = ?', sharing, token)
      })
    return { path, isNew: true, filled, id, token }
  }

  #use(lease: Lease, { id }: CacheRow, sharing: CacheSharing): Taken {
    const token = this.#note(lease, id, sharing)
    return { path: cacheMountPath(this.#context.layout, id), isNew: false, filled: () => {}, id, token }
  }

  #note(lease: Lease, id: number, sharing: UseRow['sharing']): number {
    const sql = 'INSERT INTO cache_mount_uses (cache, lease, sharing) VALUES (?, ?, ?) RETURNING token'
    return (this.#context.database.get<{ token: number }>(sql, id, lease.id, sharing) as { token: number }).token
  }

  #release(taken: ReadonlyMap<Digest, Taken>): () => void {
    const { database } = this.#context
    return () =>
      database.write(() => {
        for (const { id, token } of taken.values()) {
          if (database.run('DELETE FROM cache_mount_uses WHERE token = ?', token) === 0) continue
          database.run('UPDATE cache_mounts SET used_at = ?, uses = uses + 1 WHERE id = ?', Date.now(), id)
          // Nobody else can have used it before it was filled.
          database.run("UPDATE cache_mounts SET state = 'doomed' WHERE id = ? AND state = 'filling'", id)
        }
      })
  }
}

interface Taken extends HeldCacheMount {
  readonly id: number
  readonly token: number
}

type Choice = CacheRow | 'new' | 'wait'

function choose(request: CacheMountRequest, rows: readonly CacheRow[], uses: readonly UseRow[]): Choice {
  const usesOf = ({ id }: CacheRow) => uses.filter(({ cache }) => cache === id)
  const ready = rows.filter(({ state }) => state === 'ready')
  const free = ready.find(row => usesOf(row).length === 0)
  const isExcluded = rows.some(row => usesOf(row).some(({ sharing }) => sharing === 'locked' || sharing === 'filling'))
  switch (request.sharing) {
    case 'private':
      return request.fresh ? 'new' : (free ?? 'new')
    case 'shared':
      if (isExcluded) return 'wait'
      if (request.fresh) return 'new'
      return ready.find(row => usesOf(row).every(({ sharing }) => sharing === 'shared')) ?? 'new'
    case 'locked': {
      if (isExcluded || rows.some(row => usesOf(row).some(({ sharing }) => sharing === 'shared'))) return 'wait'
      return request.fresh ? 'new' : (free ?? 'new')
    }
  }
}

function recordOf(row: CacheRow): CacheRecord {
  return {
    key: sha256(`cache mount ${row.key} ${row.id}`),
    title: row.title,
    kind: CACHE_MOUNT_KIND,
    ingredients: [],
    createdAt: row.created_at,
    durationMs: 0,
    lastUsedAt: row.used_at,
    uses: row.uses,
  }
}
