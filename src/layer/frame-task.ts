import { hash } from 'node:crypto'
import { closeSync, fstatSync, readSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { isErrno } from '../error.ts'
import { openPath } from './content.ts'
import { type ByteString, toFsPath } from './entry.ts'
import { readFrame } from './frame-table.ts'
import type { ReusableFrames } from './frames.ts'

/**
 * A frame of plain tar to be completed: headers and padding are in place, files are still to be read into the gaps. It
 * goes between threads, where many small things are slow, so files are columns.
 */
export interface FrameTask {
  readonly plain: ArrayBuffer
  /** Bytes of plain tar in `plain`, which has room for one more. */
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

export interface FilledFrame {
  readonly plain: ArrayBuffer
  /** As the task's, with those of whole files filled in. */
  readonly digests: string
  /** What a blob's frame is known by; undefined where frames are not reused. */
  readonly id: string | undefined
  /** The compressed bytes, in memory of their own, when a blob at hand has this very frame. */
  readonly reused: Buffer | undefined
}

/** Why a file of a task could not be read, by its index. */
export interface FileFailure {
  readonly file: number
  /** `short` and `grown`: another size. `time`, `content`: another change time, another digest. */
  readonly how: 'short' | 'grown' | 'time' | 'content' | 'gone' | 'unreadable'
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

export interface FrameRules {
  /** Whether frames get an id. */
  readonly identify: boolean
  /** zstd frames that need not be compressed again. */
  readonly reuse: ReusableFrames | undefined
}

/**
 * Completes a frame. When all its files are known and the blob at hand has it, the bytes come out of that, verified by
 * their checksum, and no file is read. Else files are read into their places and each is verified against its digest, if
 * it has one. Throws `FrameError`.
 */
export function fillFrame(task: FrameTask, rules: FrameRules): FilledFrame {
  const given = task.digests.split(' ').slice(0, -1)
  return takeFrame(task, given, rules) ?? readFrameFiles(task, given, rules)
}

function takeFrame(task: FrameTask, given: readonly string[], { reuse }: FrameRules): FilledFrame | undefined {
  if (reuse === undefined || given.includes('')) return undefined
  const plain = Buffer.from(task.plain)
  const id = frameId(task, plain, given)
  const reused = readFrame(reuse, id)
  if (reused === undefined) return undefined
  const content = decompressed(reused, task.used + ROOM)
  if (content?.length !== task.used) return undefined
  plain.set(content)
  return { plain: task.plain, digests: task.digests, id, reused }
}

/** Room behind what is expected, in bytes: all comes in one piece, for zlib asks for another when none is left. */
const ROOM = 64

function decompressed(frame: Buffer, room: number): Buffer | undefined {
  try {
    return zstdDecompressSync(frame, { chunkSize: room, maxOutputLength: room })
  } catch {
    return undefined
  }
}

function readFrameFiles(task: FrameTask, given: readonly string[], { identify, reuse }: FrameRules): FilledFrame {
  const plain = Buffer.from(task.plain)
  const paths = task.paths.split('\0')
  for (let i = 0; i < given.length; i++) readFile(task, i, toFsPath(paths[i] as ByteString), plain)
  const digests = given.map((digest, i) => (isWhole(task, i) ? verified(task, i, plain, digest) : ''))
  const joined = digests.map(digest => `${digest} `).join('')
  if (!identify) return { plain: task.plain, digests: joined, id: undefined, reused: undefined }
  const contents = digests.map((digest, i) => (digest === '' ? digestOf(task, i, plain) : digest))
  const id = frameId(task, plain, contents)
  return { plain: task.plain, digests: joined, id, reused: sameFrame(reuse, id, plain.subarray(0, task.used)) }
}

/** The frame of the blob at hand that holds just these bytes. */
function sameFrame(reuse: ReusableFrames | undefined, id: string, plain: Buffer): Buffer | undefined {
  const frame = reuse && readFrame(reuse, id)
  return frame !== undefined && decompressed(frame, plain.length + ROOM)?.equals(plain) ? frame : undefined
}

/** Equal for frames of equal bytes; made of what is between the files, and of the digest of each file or part of one. */
function frameId(task: FrameTask, plain: Buffer, contents: readonly string[]): string {
  return hash('sha256', `${hash('sha256', between(task, plain), 'hex')} ${task.spans.join(' ')} ${contents.join(' ')}`)
}

/** The bytes that are no file's: headers and padding. */
function between({ spans, used }: FrameTask, plain: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(used)
  let from = 0
  let length = 0
  for (let span = 0; span < spans.length; span += SPAN) {
    const at = spans[span] as number
    length += plain.copy(bytes, length, from, at)
    from = at + (spans[span + 1] as number)
  }
  length += plain.copy(bytes, length, from, used)
  return bytes.subarray(0, length)
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
