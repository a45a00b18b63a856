import { accessSync, constants, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { isErrno, ShaleError } from '../error.ts'

/** Primary result codes of SQLite, the low byte of what it says. Source: https://sqlite.org/rescode.html */
const ERROR = 1
const BUSY = 5
const READ_ONLY = 8
const IO_ERROR = 10
const CORRUPT = 11
const FULL = 13
const CONSTRAINT = 19
const NOT_A_DATABASE = 26

/** Less than this is full for a database: it grows by pages, and its shared memory file by 32 KiB. */
const FULL_BELOW_BYTES = 256 * 1024

export function isBusy(error: unknown): boolean {
  return primaryCode(error) === BUSY
}

/** What is known of a database that does not work, in words: `STORE_DAMAGED`, `DISK_FULL`; other errors as they are. */
export function databaseError(error: unknown, path: string): unknown {
  const code = primaryCode(error)
  const cause = error as Error
  if (code === CORRUPT || code === NOT_A_DATABASE) return damagedDatabase(path, cause.message, cause)
  if (contradicts(error, code) || (saysReadOnly(error) && isWritable(path))) {
    return damagedDatabase(path, cause.message, cause)
  }
  if (code === FULL || (code === IO_ERROR && isFull(path))) {
    return new ShaleError('DISK_FULL', `no space left on the disk: cannot write the store's database ${path}`, {
      cause,
      hint: 'free a few hundred kilobytes on it, then `shale system prune` frees what the store does not need',
    })
  }
  return error
}

export function damagedDatabase(path: string, why: string, cause?: unknown): ShaleError {
  return new ShaleError('STORE_DAMAGED', `the store's database ${path} is damaged: ${why}`, {
    cause,
    hint: '`shale system check --repair` makes a new one from the blobs, and keeps the damaged one beside it',
  })
}

/** A row that the database holds and that cannot be what Shale has written. */
export function damagedRow(what: string): ShaleError {
  return new ShaleError('STORE_DAMAGED', `${what} in the store's database is damaged`, {
    hint: '`shale system check --repair` writes it again, or forgets it',
  })
}

/**
 * Our statements fit our tables, keep their rules and write numbers that can be read back: where they do not, somebody
 * else has changed the tables or their rows.
 */
function contradicts(error: unknown, code: number | undefined): boolean {
  if (code === CONSTRAINT || isErrno(error, 'ERR_OUT_OF_RANGE')) return true
  return code === ERROR && !/transaction/.test((error as Error).message)
}

/** The plain code: the extended ones are about the folder and the file's name. SQLite goes by the header. */
function saysReadOnly(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === READ_ONLY
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function primaryCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined
}

function isFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path))
    return bavail * bsize < FULL_BELOW_BYTES
  } catch (error) {
    if (isErrno(error)) return false
    throw error
  }
}
