import { hash } from 'node:crypto'
import { closeSync, fstatSync, readSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { isErrno } from '../error.ts'
import { openPath } from './content.ts'
import { type ByteString, toFsPath } from './entry.ts'
import { type FramePlace, readAt } from './frame-reuse.ts'
import { FRAME } from './frames.ts'

/** Memory of a frame of tar. Threads share it: to give it to and fro costs more than the work with it. */
export type FrameMemory = SharedArrayBuffer

/** Has room for one byte more than a frame, for readers that look for a file's end. */
export function frameMemory(): FrameMemory {
  return new SharedArrayBuffer(FRAME.max + 1)
}

/**
 * A frame of plain tar to be completed: headers and padding are in place, files are still to be read into the gaps. It
 * goes between threads, where many small things are slow, so files are columns.
 */
export interface FrameTask {
  readonly kind: 'task'
  readonly plain: FrameMemory
  /** Bytes of tar in `plain`. */
  readonly used: number
  /** Byte strings, each ended by NUL. */
  readonly paths: ByteString
  /** Of each file: where its bytes go in `plain`, how many, where they are in the file, the whole file's size. */
  readonly spans: Float64Array
  /** Of each file: sha256 in hex and a space; only the space when it is not known yet, or of a part of a file. */
  readonly digests: string
  /** The change time in ns that a file must still have after reading; 0 for any. */
  readonly ctimes: BigInt64Array
}

export const SPAN = 4

/** A frame that can be taken out of a blob at hand, unpacked into `plain`. */
export interface FrameCopy extends FramePlace {
  readonly kind: 'copy'
  /** The blob's file. */
  readonly blob: string
  readonly plain: FrameMemory
}

/** Why a file of a task could not be read, by its index. */
export interface FileFailure {
  readonly file: number
  /**
   * `short` and `grown`: another size. `time`, `content`: another change time, another digest. `lost` is a frame's, and
   * no file's: the blob at hand has not got it whole.
   */
  readonly how: 'short' | 'grown' | 'time' | 'content' | 'gone' | 'unreadable' | 'lost'
  readonly bytes: number
  readonly cause?: unknown
}

export class FrameError extends Error {
  readonly failure: FileFailure

  constructor(failure: FileFailure) {
    super(`file ${failure.file} of a frame: ${failure.how}`)
    this.failure = failure
  }
}

/**
 * Reads files into their places; each is verified against its digest, if it has one. Gives the digests, with those of
 * whole files filled in. Throws `FrameError`.
 */
export function fillFrame(task: FrameTask): string {
  const plain = Buffer.from(task.plain)
  const given = task.digests.split(' ').slice(0, -1)
  const paths = task.paths.split('\0')
  for (let i = 0; i < given.length; i++) readFile(task, i, toFsPath(paths[i] as ByteString), plain)
  const digests = given.map((digest, i) => (isWhole(task, i) ? `${verified(task, i, plain, digest)} ` : ' '))
  return digests.join('')
}

/** Room behind what is expected, in bytes: all comes in one piece, for zlib asks for another when none is left. */
const ROOM = 64

/** Gives a zstd frame as it is in a blob, verified by its checksum. Throws `FrameError`. */
export function copyFrame({ blob, plain, at, length, content }: FrameCopy): Buffer {
  const compressed = readAt(blob, at, length)
  const bytes = compressed && decompressed(compressed, content + ROOM)
  if (bytes?.length !== content) throw new FrameError({ file: -1, how: 'lost', bytes: 0 })
  Buffer.from(plain).set(bytes)
  return compressed as Buffer
}

function decompressed(frame: Buffer, room: number): Buffer | undefined {
  try {
    return zstdDecompressSync(frame, { chunkSize: room, maxOutputLength: room })
  } catch {
    return undefined
  }
}

function verified(task: FrameTask, file: number, plain: Buffer, expected: string): string {
  const digest = digestOf(task, file, plain)
  if (expected !== '' && expected !== digest) throw new FrameError({ file, how: 'content', bytes: 0 })
  return digest
}

function isWhole({ spans }: FrameTask, file: number): boolean {
  return spans[file * SPAN + 1] === spans[file * SPAN + 3]
}

function digestOf({ spans }: FrameTask, file: number, plain: Buffer): string {
  const at = spans[file * SPAN] as number
  return hash('sha256', plain.subarray(at, at + (spans[file * SPAN + 1] as number)), 'hex')
}

function readFile(task: FrameTask, file: number, path: string | Buffer, plain: Buffer): void {
  const fd = open(path, file)
  try {
    readSpan(fd, plain, spanOf(task, file))
    const ctime = task.ctimes[file]
    if (ctime !== 0n && fstatSync(fd, { bigint: true }).ctimeNs !== ctime)
      throw new FrameError({ file, how: 'time', bytes: 0 })
  } catch (cause) {
    throw cause instanceof FrameError ? cause : new FrameError({ file, how: 'unreadable', bytes: 0, cause })
  } finally {
    closeSync(fd)
  }
}

function open(path: string | Buffer, file: number): number {
  try {
    return openPath(path)
  } catch (cause) {
    const how = isErrno(cause, 'ENOENT', 'ELOOP', 'ENOTDIR') ? 'gone' : 'unreadable'
    throw new FrameError({ file, how, bytes: 0, cause })
  }
}

interface Span {
  readonly file: number
  readonly at: number
  readonly length: number
  readonly from: number
  /** Whether the file ends with it. */
  readonly last: boolean
}

function spanOf({ spans }: FrameTask, file: number): Span {
  const first = file * SPAN
  const length = spans[first + 1] as number
  const from = spans[first + 2] as number
  return { file, at: spans[first] as number, length, from, last: from + length === spans[first + 3] }
}

/** One byte more than a file should have is asked for, which costs no further call; the byte it would overwrite is kept. */
function readSpan(fd: number, plain: Buffer, { file, at, length, from, last }: Span): void {
  const after = plain[at + length] as number
  const wanted = last ? length + 1 : length
  let got = 0
  while (got < length) {
    const read = readSync(fd, plain, at + got, wanted - got, from + got)
    if (read === 0) throw new FrameError({ file, how: 'short', bytes: from + got })
    got += read
  }
  plain[at + length] = after
  if (got > length) throw new FrameError({ file, how: 'grown', bytes: from + got })
}
