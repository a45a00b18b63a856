import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { isErrno } from '../error.ts'

/**
 * Makes a folder and the missing ones above it; one that is there is left as it is. Node's own way to do this never
 * comes back from where a folder has a parent and yet cannot be made for ENOENT, as in /proc.
 */
export function makeFolder(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
    const parent = dirname(path)
    if (!isErrno(error, 'ENOENT') || existsSync(parent)) throw error
    makeFolder(parent, mode)
    makeFolder(path, mode)
  }
}
