import { accessSync, constants, lstatSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { isErrno, ShaleError } from '../error.ts'
import type { Layout } from './layout.ts'

/** Throws as access(2) does for a folder or file that this user may not change. */
export type Probe = (path: string, isFolder: boolean) => void

/**
 * The error of opening a store, with the reason looked for where the system's own words mislead: making folders in a
 * read-only file system fails with ENOENT, SQLite only says that it cannot open a file. Errors that say more than that
 * are given back as they are.
 */
export function whyUnusable(error: unknown, layout: Layout, probe: Probe = probeAccess): unknown {
  if (error instanceof ShaleError && error.code !== 'STORE_UNUSABLE') return error
  const found = firstObstacle(layout, probe)
  if (found === undefined) return error
  const message = `cannot use the store ${layout.root}: ${found.why}`
  return new ShaleError('STORE_UNUSABLE', message, { cause: error, hint: found.hint })
}

interface Obstacle {
  readonly why: string
  readonly hint: string
}

function firstObstacle(layout: Layout, probe: Probe): Obstacle | undefined {
  const { blobs, trees, temp, trash, statIndex, database } = layout
  const folders = [nearestExisting(layout.root), `${blobs}/sha256`, `${blobs}/sha512`, trees, temp, trash, statIndex]
  for (const path of folders) {
    const obstacle = obstacleAt(path, true, probe)
    if (obstacle !== undefined) return obstacle
  }
  for (const path of [database, `${database}-wal`, `${database}-shm`]) {
    const obstacle = obstacleAt(path, false, probe)
    if (obstacle !== undefined) return obstacle
  }
  return undefined
}

/** The folder itself, or the one in which it would be made. */
function nearestExisting(path: string): string {
  let at = path
  while (!exists(at) && dirname(at) !== at) at = dirname(at)
  return at
}

/** A file in the way of a folder exists; what is below it does not, and nor does what we may not look into. */
function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}

function obstacleAt(path: string, isFolder: boolean, probe: Probe): Obstacle | undefined {
  if (!exists(path)) return undefined
  if (isFolder && !isDirectory(path)) {
    return { why: `${path} is not a folder`, hint: 'name a folder with --root or SHALE_ROOT' }
  }
  try {
    probe(path, isFolder)
    return undefined
  } catch (error) {
    if (isErrno(error, 'EROFS')) {
      return {
        why: `${path} is on a read-only file system`,
        hint: 'a store is written to even when it is only looked at; choose one elsewhere with --root or SHALE_ROOT',
      }
    }
    if (isErrno(error, 'EACCES', 'EPERM')) return notPermitted(path)
    return undefined
  }
}

function notPermitted(path: string): Obstacle {
  const { uid, mode } = lstatSync(path)
  const me = process.getuid?.() ?? 0
  const owner = uid === me ? 'belongs to you' : `belongs to user ${uid}`
  const permissions = (mode & 0o7777).toString(8)
  return {
    why: `user ${me} may not write to ${path}, which ${owner} (mode ${permissions})`,
    hint:
      uid === me
        ? `give yourself the right: chmod u+rwX ${path}`
        : 'run shale as that user, or choose a store of your own with --root or SHALE_ROOT',
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function probeAccess(path: string, isFolder: boolean): void {
  accessSync(path, constants.R_OK | constants.W_OK | (isFolder ? constants.X_OK : 0))
}
