import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, renameSync } from 'node:fs'
import { isErrno, ShaleError } from '../error.ts'
import type { Database } from './database.ts'
import { readTexts } from './json-column.ts'
import { type Layout, volumePath } from './layout.ts'
import { LEASE_EXPIRY_MS, type Leases } from './leases.ts'
import { moveToTrash } from './temp.ts'
import type { RemoveTree } from './trees.ts'
import type { Lease } from './types.ts'

export interface VolumeInfo {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Of the `local` driver: `type`, `device`, `o`. */
  readonly options: Readonly<Record<string, string>>
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Made for a container that named none. */
  readonly anonymous: boolean
  /** Absolute path of the folder that containers see. */
  readonly mountpoint: string
  /** A container has had it, and so it keeps what it has, even nothing. */
  readonly filled: boolean
  /** Containers that have it, running or not: their IDs. */
  readonly users: readonly string[]
}

export interface NewVolume {
  /** A name is made up without one, and the volume is anonymous. */
  readonly name?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly options?: Readonly<Record<string, string>> | undefined
  /** Default: whether it has no name. */
  readonly anonymous?: boolean | undefined
}

/** Folders that outlast containers: `volumes/<name>/_data`. */
export interface VolumeStore {
  /** Gives the volume of this name when there is one, as it is. Throws `INVALID_VOLUME_NAME`. */
  create(volume: NewVolume): VolumeInfo
  get(name: string): VolumeInfo | undefined
  /** By name. */
  list(): readonly VolumeInfo[]
  /** Keeps the volume until `letGo`, or with a lease until that ends. Throws `VOLUME_NOT_FOUND`. */
  use(name: string, user: string, lease?: Lease): void
  letGo(user: string): void
  /**
   * Decides what a volume begins with: the folder, which takes the place of the volume's empty one, or without one what
   * it has. False when that was decided before, while others than this user have it: then the folder stays where it is.
   */
  fill(name: string, user: string, folder?: string): boolean
  /** Removes it with all in it. Throws `VOLUME_NOT_FOUND`, `VOLUME_IN_USE`. */
  remove(name: string): Promise<void>
}

interface VolumeContext {
  readonly layout: Layout
  readonly database: Database
  readonly leases: Leases
  readonly removeTree: RemoveTree
}

export function createVolumes(context: VolumeContext): VolumeStore {
  return new DatabaseVolumes(context)
}

interface VolumeRow {
  readonly name: string
  readonly labels: string
  readonly options: string
  readonly created_at: number
  readonly anonymous: number
  readonly filled: number
}

/** docker's, for the name is that of a folder. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/
const LONGEST_NAME = 255

/** Throws `INVALID_VOLUME_NAME`. */
export function checkVolumeName(name: string): void {
  if (NAME.test(name) && name.length <= LONGEST_NAME) return
  throw new ShaleError(
    'INVALID_VOLUME_NAME',
    `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed`,
    { hint: 'if you meant a folder of this machine, write its path: ./data or /srv/data' },
  )
}

const USERS = `SELECT u.holder FROM volume_uses u LEFT JOIN leases l ON l.id = u.lease
  WHERE u.volume = ? AND (u.lease IS NULL OR l.heartbeat >= ?) ORDER BY u.holder`

class DatabaseVolumes implements VolumeStore {
  readonly #context: VolumeContext

  constructor(context: VolumeContext) {
    this.#context = context
  }

  create({ name, labels = {}, options = {}, anonymous }: NewVolume): VolumeInfo {
    const own = name ?? randomBytes(32).toString('hex')
    checkVolumeName(own)
    const { database, layout } = this.#context
    return database.write(() => {
      const path = volumePath(layout, own)
      // Whatever the caller's umask is, users of the container have to get in.
      if (mkdirSync(path, { recursive: true, mode: 0o755 }) !== undefined) chmodSync(path, 0o755)
      database.run(
        'INSERT OR IGNORE INTO volumes (name, labels, options, created_at, anonymous) VALUES (?, ?, ?, ?, ?)',
        ...[own, JSON.stringify(labels), JSON.stringify(options), Date.now()],
        Number(anonymous ?? name === undefined),
      )
      return this.get(own) as VolumeInfo
    })
  }

  get(name: string): VolumeInfo | undefined {
    const row = this.#context.database.get<VolumeRow>('SELECT * FROM volumes WHERE name = ?', name)
    return row && this.#infoOf(row)
  }

  list(): readonly VolumeInfo[] {
    const rows = this.#context.database.all<VolumeRow>('SELECT * FROM volumes ORDER BY name')
    return rows.map(row => this.#infoOf(row))
  }

  use(name: string, user: string, lease?: Lease): void {
    const { database, leases } = this.#context
    database.write(() => {
      if (this.get(name) === undefined) throw notFound(name)
      if (lease !== undefined) leases.ensure(lease)
      const sql = 'INSERT OR REPLACE INTO volume_uses (volume, holder, lease) VALUES (?, ?, ?)'
      database.run(sql, name, user, lease?.id ?? null)
    })
  }

  letGo(user: string): void {
    const { database } = this.#context
    database.write(() => database.run('DELETE FROM volume_uses WHERE holder = ?', user))
  }

  fill(name: string, user: string, folder?: string): boolean {
    const { database, layout } = this.#context
    return database.write(() => {
      const volume = this.get(name)
      if (volume === undefined) throw notFound(name)
      if (volume.filled && volume.users.some(other => other !== user)) return false
      // In the transaction: nobody mounts a folder that is about to be replaced.
      const placed = folder === undefined || putInPlace(folder, volumePath(layout, name))
      database.run('UPDATE volumes SET filled = 1 WHERE name = ?', name)
      return placed
    })
  }

  async remove(name: string): Promise<void> {
    const { database, layout, removeTree } = this.#context
    const trashed = database.write(() => {
      const users = this.get(name)?.users
      if (users === undefined) throw notFound(name)
      if (users.length > 0) {
        throw new ShaleError('VOLUME_IN_USE', `remove ${name}: volume is in use - [${users.join(', ')}]`, {
          hint: 'remove the containers that have it first',
        })
      }
      database.run('DELETE FROM volumes WHERE name = ?', name)
      return moveToTrash(layout, volumeFolder(layout, name))
    })
    if (trashed !== undefined) await removeTree(trashed.trash)
  }

  #infoOf({ name, labels, options, created_at, anonymous, filled }: VolumeRow): VolumeInfo {
    const { database, layout } = this.#context
    const users = database.all<{ holder: string }>(USERS, name, Date.now() - LEASE_EXPIRY_MS)
    return {
      name,
      labels: readTexts(labels) ?? {},
      options: readTexts(options) ?? {},
      createdAt: created_at,
      anonymous: anonymous !== 0,
      filled: filled !== 0,
      mountpoint: volumePath(layout, name),
      users: users.map(({ holder }) => holder),
    }
  }
}

/** False when the folder has something in it. */
function putInPlace(folder: string, mountpoint: string): boolean {
  try {
    renameSync(folder, mountpoint)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false
    throw error
  }
}

function volumeFolder(layout: Layout, name: string): string {
  return `${layout.volumes}/${name}`
}

function notFound(name: string): ShaleError {
  return new ShaleError('VOLUME_NOT_FOUND', `get ${name}: no such volume`, {
    hint: '`shale volume ls` lists those that there are',
  })
}
