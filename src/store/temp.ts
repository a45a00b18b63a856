import { randomBytes } from 'node:crypto'
import { readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../error.ts'
import type { Layout } from './layout.ts'

/** What lies in the temporary folder untouched for longer was left behind by a process that died. */
const LEFTOVER_MS = 24 * 60 * 60 * 1000

export function tempPath(layout: Layout): string {
  return join(layout.temp, randomBytes(9).toString('hex'))
}

/** Moves a file or folder out of the way, to be deleted by the next sweep. False when it is gone already. */
export function moveToTrash(layout: Layout, path: string): boolean {
  try {
    renameSync(path, join(layout.trash, randomBytes(9).toString('hex')))
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

/** Leftovers of dead processes go to the trash; one look at a folder that is all but empty. */
export function clearLeftovers(layout: Layout, now: number): void {
  for (const name of readdirSync(layout.temp)) {
    const path = join(layout.temp, name)
    try {
      if (now - statSync(path).mtimeMs > LEFTOVER_MS) moveToTrash(layout, path)
    } catch (error) {
      // Someone else was faster, or it belongs to a user of a container: then the collection's sweep takes it.
      if (!isErrno(error, 'ENOENT', 'EACCES', 'EPERM')) throw error
    }
  }
}
