import { lstatSync, readdirSync } from 'node:fs'
import { isErrno } from '../error.ts'
import { type ByteString, toByteString, toFsPath } from '../layer/entry.ts'

const BLOCK_BYTES = 512

/** Files with several names met so far, so that each counts once. */
export type SeenFiles = Set<string>

/**
 * Bytes allocated on disk for a path and everything below, as `du` counts them: whole blocks, directories included,
 * hard links once. What has gone meanwhile, and what we may not look into, counts nothing.
 */
export function allocatedBytes(path: string, seen: SeenFiles): number {
  return measure(toByteString(path), seen)
}

function measure(path: ByteString, seen: SeenFiles): number {
  const stat = lstatSync(toFsPath(path), { throwIfNoEntry: false })
  if (stat === undefined) return 0
  if (stat.nlink > 1 && !stat.isDirectory()) {
    const file = `${stat.dev}:${stat.ino}`
    if (seen.has(file)) return 0
    seen.add(file)
  }
  let bytes = stat.blocks * BLOCK_BYTES
  if (!stat.isDirectory()) return bytes
  for (const name of namesIn(path)) bytes += measure(`${path}/${name}`, seen)
  return bytes
}

/** Bytes of the folder itself, without what is in it. */
export function allocatedByFolder(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  return stat === undefined ? 0 : stat.blocks * BLOCK_BYTES
}

function namesIn(path: ByteString): readonly ByteString[] {
  try {
    return readdirSync(toFsPath(path), 'latin1')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'EPERM')) return []
    throw error
  }
}
