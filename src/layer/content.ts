import { createHash, hash } from 'node:crypto'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { isErrno, ShaleError } from '../error.ts'
import { type FileEntry, fromByteString } from './entry.ts'

/**
 * Where a file's bytes are: in memory, or at a path of this machine, opened without following a symbolic link. With
 * `ctimeNs` a file that is packed must still have this change time after it was read.
 */
export type Content = Uint8Array | FileContent

export interface FileContent {
  readonly path: string | Buffer
  readonly ctimeNs?: bigint | undefined
}

/** Gives the content of an entry; called once for each file, in the table's order. */
export type OpenContent = (entry: FileEntry) => Content

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export function openPath(path: string | Buffer): number {
  return openSync(path, FLAGS)
}

/** A content's descriptor; the caller closes it. */
function openFile(entry: FileEntry, { path }: FileContent): number {
  try {
    return openPath(path)
  } catch (cause) {
    throw isErrno(cause, 'ENOENT', 'ELOOP', 'ENOTDIR') ? gone(entry, cause) : unreadable(entry, cause)
  }
}

/**
 * Reads a whole file of `entry.size` bytes into `buffer` at `at`, which must have room for one byte more, and gives the
 * hex sha256. Throws `FILE_CHANGED` when size or digest differ from the entry's (an empty digest: is not known yet).
 */
export function readWhole(entry: FileEntry, content: Content, buffer: Buffer, at: number): string {
  const { size } = entry
  if (content instanceof Uint8Array) {
    if (content.length !== size) throw changed(entry, `it has ${content.length} bytes, not ${size}`)
    buffer.set(content, at)
  } else {
    const fd = openFile(entry, content)
    try {
      const got = readFully(fd, buffer, at, size + 1)
      if (got !== size) throw changed(entry, got < size ? `it has ${got} bytes, not ${size}` : 'it has grown')
    } finally {
      closeSync(fd)
    }
  }
  const digest = hash('sha256', buffer.subarray(at, at + size), 'hex')
  if (digest !== entry.digest && entry.digest !== '') throw changed(entry, 'its content differs')
  return digest
}

/** Reads until `length` bytes are there or the file ends; gives how many there were. */
function readFully(fd: number, buffer: Buffer, at: number, length: number): number {
  let total = 0
  while (total < length) {
    const got = readSync(fd, buffer, at + total, length - total, total)
    if (got === 0) break
    total += got
  }
  return total
}

/** The pieces of a large file, read into what `room` gives; ends with the check of size and digest. */
export function* readPieces(
  entry: FileEntry,
  content: Content,
  room: () => { readonly buffer: Buffer; readonly at: number; readonly length: number },
): Generator<number, string> {
  const hasher = createHash('sha256')
  const fd = content instanceof Uint8Array ? -1 : openFile(entry, content)
  try {
    let total = 0
    while (total < entry.size) {
      const { buffer, at, length } = room()
      const wanted = Math.min(length, entry.size - total)
      const got =
        content instanceof Uint8Array
          ? copyPiece(content, total, buffer, at, wanted)
          : readSync(fd, buffer, at, wanted, total)
      if (got === 0) throw changed(entry, `it has ${total} bytes, not ${entry.size}`)
      hasher.update(buffer.subarray(at, at + got))
      total += got
      yield got
    }
    const more = content instanceof Uint8Array ? content.length > total : readSync(fd, Buffer.alloc(1), 0, 1, total) > 0
    if (more) throw changed(entry, 'it has grown')
  } finally {
    if (fd >= 0) closeSync(fd)
  }
  const digest = hasher.digest('hex')
  if (digest !== entry.digest && entry.digest !== '') throw changed(entry, 'its content differs')
  return digest
}

function copyPiece(bytes: Uint8Array, from: number, buffer: Buffer, at: number, length: number): number {
  const piece = bytes.subarray(from, from + length)
  buffer.set(piece, at)
  return piece.length
}

export function changed(entry: FileEntry, how: string, cause?: unknown): ShaleError {
  return new ShaleError('FILE_CHANGED', `${display(entry)} changed while it was read: ${how}`, {
    hint: 'keep other programs from writing to the files of a build, and build again',
    cause,
  })
}

export function gone(entry: FileEntry, cause: unknown): ShaleError {
  return changed(entry, 'it is gone or no file any more', cause)
}

export function unreadable(entry: FileEntry, cause: unknown): ShaleError {
  return new ShaleError('FILE_UNREADABLE', `cannot read ${display(entry)}: ${(cause as Error).message}`, { cause })
}

function display(entry: FileEntry): string {
  return JSON.stringify(fromByteString(entry.path))
}
