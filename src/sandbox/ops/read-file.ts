import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { ShaleError } from '../../error.ts'
import type { Handler } from '../protocol.ts'
import { AT_FDCWD, openPath, RESOLVE } from '../syscalls.ts'

const DEFAULT_LIMIT = 16 * 1024 * 1024

export const readFile: Handler<'readFile'> = async ({ root, path, limit = DEFAULT_LIMIT }) => {
  const folder = openPath(AT_FDCWD, root, 0)
  try {
    const found = openPath(folder, path, RESOLVE.inRoot | RESOLVE.noMagiclinks)
    try {
      const { size } = fstatSync(found)
      if (!fstatSync(found).isFile()) throw new ShaleError('FILE_UNREADABLE', `${path} is not a file`)
      if (size > limit) throw new ShaleError('FILE_TOO_LARGE', `${path} has ${size} bytes, more than ${limit}`)
      return readOpened(found)
    } finally {
      closeSync(found)
    }
  } finally {
    closeSync(folder)
  }
}

/** A handle (O_PATH) cannot be read from; through it the file opens for reading without another look-up. */
function readOpened(handle: number): Uint8Array {
  const fd = openSync(`/proc/self/fd/${handle}`, constants.O_RDONLY)
  try {
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}
