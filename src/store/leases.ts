import { randomBytes } from 'node:crypto'
import { ShaleError } from '../error.ts'
import type { Database } from './database.ts'
import type { Lease } from './types.ts'

/** A lease that was not renewed for this long has ended: its process died or lost its clock. */
export const LEASE_EXPIRY_MS = 60_000
const RENEWAL_MS = 10_000

/** What a lease holds: `ref` is a digest, a layer's ID or a tree's number. */
export type HeldKind = 'blob' | 'layer' | 'tree' | 'image'

export interface Leases {
  begin(purpose: string): Lease
  /** Protects something until the lease ends. Inside the write transaction that adds or checks it. */
  hold(lease: Lease, kind: HeldKind, ref: string | number): void
  /** Sees to it that the lease has its row, for rows that refer to it. Inside the write transaction that adds them. */
  ensure(lease: Lease): void
  /** Ends the leases that this process still has. */
  close(): void
}

export function createLeases(database: Database): Leases {
  return new DatabaseLeases(database)
}

class DatabaseLeases implements Leases {
  readonly #database: Database
  readonly #live = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined

  constructor(database: Database) {
    this.#database = database
  }

  begin(purpose: string): Lease {
    const id = randomBytes(8).toString('hex')
    this.#live.set(id, purpose)
    this.#beat([id])
    this.#timer ??= setInterval(() => this.#renew(), RENEWAL_MS).unref()
    return { id, end: () => this.#end([id]) }
  }

  hold(lease: Lease, kind: HeldKind, ref: string | number): void {
    if (!this.#live.has(lease.id)) {
      throw new ShaleError('LEASE_ENDED', `cannot hold ${kind} ${ref}: the lease has ended`)
    }
    this.ensure(lease)
    this.#database.run('INSERT OR IGNORE INTO holds (lease, kind, ref) VALUES (?, ?, ?)', lease.id, kind, String(ref))
  }

  ensure(lease: Lease): void {
    const known = this.#database.get('SELECT 1 FROM leases WHERE id = ?', lease.id)
    if (known === undefined) this.#beat([lease.id])
  }

  close(): void {
    this.#end([...this.#live.keys()])
  }

  /** A lease that a collection took for dead while the machine slept comes back, without what it held. */
  #beat(ids: readonly string[]): void {
    this.#database.write(() => {
      for (const id of ids) {
        this.#database.run(
          `INSERT INTO leases (id, purpose, heartbeat) VALUES (?1, ?2, ?3)
           ON CONFLICT (id) DO UPDATE SET heartbeat = ?3`,
          id,
          this.#live.get(id) ?? '',
          Date.now(),
        )
      }
    })
  }

  #renew(): void {
    try {
      this.#beat([...this.#live.keys()])
    } catch {
      // A full disk or a locked database; the next beat or the next hold tells.
    }
  }

  #end(ids: readonly string[]): void {
    const live = ids.filter(id => this.#live.delete(id))
    if (this.#live.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    if (live.length === 0) return
    try {
      this.#database.write(() => {
        for (const id of live) this.#database.run('DELETE FROM leases WHERE id = ?', id)
      })
    } catch {
      // A full disk or a locked database: without a heartbeat the lease ends by itself, and what went wrong before
      // must not be hidden by this.
    }
  }
}
