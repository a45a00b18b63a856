import { hash } from 'node:crypto'
import { closeSync, fstatSync, readSync } from 'node:fs'
import { isErrno } from '../error.ts'
import { openPath } from './content.ts'
import { type ByteString, toFsPath } from './entry.ts'

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
  /** Whether a blob at hand has this very frame, so that it need not be compressed. */
  readonly reused: boolean
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
  /** Ids of the frames that a blob at hand has. */
  readonly known: ReadonlySet<string>
}

/**
 * Reads a frame's files into their places and hashes them. Every byte is verified: a file against its digest, or as
 * part of a frame that was made of files with these digests. Throws `FrameError`.
 */
export function fillFrame(task: FrameTask, rules: FrameRules): FilledFrame {
  const plain = Buffer.from(task.plain)
  const paths = task.paths.split('\0')
  for (let i = 0; i < paths.length - 1; i++) readFile(task, i, toFsPath(paths[i] as ByteString), plain)
  const given = task.digests.split(' ')
  const digests = given.map((digest, i) => (digest === '' && isWhole(task, i) ? digestOf(task, i, plain) : digest))
  const joined = digests.join(' ')
  const id = rules.identify ? frameId(plain.subarray(0, task.used), joined) : undefined
  const reused = id !== undefined && rules.known.has(id)
  if (!reused) verify(task, given, plain)
  return { plain: task.plain, digests: joined, id, reused }
}

/** Equal for frames of equal bytes whose files are known by equal digests. */
function frameId(plain: Buffer, digests: string): string {
  return hash('sha256', `${hash('sha256', plain, 'hex')} ${digests}`, 'hex')
}

function verify(task: FrameTask, digests: readonly string[], plain: Buffer): void {
  digests.forEach((digest, file) => {
    if (digest !== '' && isWhole(task, file) && digestOf(task, file, plain) !== digest)
      throw new FrameError({ file, how: 'content', bytes: 0 })
  })
}

/** False for what is no file, too. */
function isWhole({ spans }: FrameTask, file: number): boolean {
  return file * SPAN < spans.length && spans[file * SPAN + 1] === spans[file * SPAN + 3]
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
