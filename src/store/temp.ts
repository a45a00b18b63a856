import { randomBytes } from 'node:crypto'
import { lstatSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../error.ts'
import type { Database } from './database.ts'
import type { Layout } from './layout.ts'
import { LEASE_EXPIRY_MS } from './leases.ts'

/** What lies in a folder of temporary files untouched for longer was left behind by a process that died. */
const LEFTOVER_MS = 24 * 60 * 60 * 1000

export function tempPath(layout: Layout): string {
  return join(layout.temp, randomBytes(9).toString('hex'))
}

/** Something that was moved to the trash. */
export interface Trashed {
  readonly path: string
  readonly trash: string
}

/** Moves a file or folder out of the way, to be deleted by the next sweep. Undefined when it is gone already. */
export function moveToTrash(layout: Layout, path: string): Trashed | undefined {
  const trash = join(layout.trash, randomBytes(9).toString('hex'))
  return move(path, trash) ? { path, trash } : undefined
}

/** Takes back what was moved there, as far as no sweep has deleted it. */
export function takeBack(trashed: readonly Trashed[]): void {
  for (const { path, trash } of trashed) move(trash, path)
}

function move(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

/**
 * Leftovers of dead processes go to the trash; one look at a folder that is all but empty. Gives those that cannot be
 * moved because they belong to a user of a container: the collection's sweep has them removed.
 */
export function clearLeftovers(layout: Layout, database: Database, now: number): readonly string[] {
  return leftovers(layout, database, now).filter(path => {
    try {
      moveToTrash(layout, path)
      return false
    } catch (error) {
      if (isErrno(error, 'EACCES', 'EPERM')) return true
      throw error
    }
  })
}

function leftovers(layout: Layout, database: Database, now: number): readonly string[] {
  // What is written to is touched by that, so that for these the time alone tells.
  const abandoned = [layout.partial, layout.uploads].flatMap(folder =>
    oldIn(folder, now).map(name => join(folder, name)),
  )
  const old = oldIn(layout.temp, now)
  if (old.length === 0) return abandoned
  const sql = 'SELECT id FROM leases WHERE heartbeat >= ?'
  const live = database.all<{ id: string }>(sql, now - LEASE_EXPIRY_MS)
  // Those of the registry's uploads have rows and an expiry of their own.
  const uploads = new Set(database.all<{ file: string }>('SELECT file FROM registry_uploads').map(({ file }) => file))
  const isDead = (name: string) => !uploads.has(name) && !live.some(({ id }) => name.startsWith(id))
  return [...abandoned, ...old.filter(isDead).map(name => join(layout.temp, name))]
}

function oldIn(folder: string, now: number): readonly string[] {
  return readdirSync(folder).filter(name => {
    const stat = lstatSync(join(folder, name), { throwIfNoEntry: false })
    return stat !== undefined && now - stat.mtimeMs > LEFTOVER_MS
  })
}
