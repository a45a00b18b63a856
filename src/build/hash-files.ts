import { createHash, hash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { isErrno, ShaleError } from '../error.ts'
import { type ByteString, fromByteString } from '../layer/entry.ts'
import { FileStat } from '../store/file-stat.ts'
import type { PlannedEntry } from './copy/plan.ts'
import type { Origin } from './copy/source.ts'

/** Digests of files read before, by the path in the folder and the stat they were read under. */
export interface KnownDigests {
  find(path: ByteString, stat: FileStat): string | undefined
  /** `stat` is from before reading and equals the one after. */
  learn(path: ByteString, stat: FileStat, digest: string): void
  /** Whether what is read under this stat can be known by it later. */
  trusts(stat: FileStat): boolean
}

const BUFFER = Buffer.allocUnsafe(1024 * 1024)

/** The plan with every file's digest: from the index where the stat is known, else by reading the file. */
export function hashPlanned(planned: readonly PlannedEntry[], known: KnownDigests): readonly PlannedEntry[] {
  return planned.map(item => {
    const { entry, origin, sourcePath = '' } = item
    if (entry.kind !== 'file' || entry.digest !== '' || origin === undefined) return item
    return { ...item, entry: { ...entry, digest: fileDigest(sourcePath, origin, known) } }
  })
}

/** The hex sha256 of a file, from the index when its stat is known. `path` is its path in the context. */
export function fileDigest(path: ByteString, origin: Origin, known: KnownDigests): string {
  if (origin.kind === 'inline') return hash('sha256', origin.data, 'hex')
  if (origin.kind === 'layer') throw new Error('files of layers come with their digest')
  const found = origin.stat === undefined ? undefined : known.find(path, origin.stat)
  if (found !== undefined) return found
  const digest = readDigest(fromByteString(path), origin.path, origin.stat)
  if (origin.stat !== undefined) known.learn(path, origin.stat, digest)
  return digest
}

/** Throws `FILE_CHANGED` when the file is another after reading, or than `expected`. */
function readDigest(name: string, path: string | Buffer, expected: FileStat | undefined): string {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    const why = isErrno(cause, 'EACCES', 'EPERM') ? 'permission denied' : (cause as Error).message
    throw new ShaleError('CONTEXT_UNREADABLE', `cannot read ${name} in the build context: ${why}`, {
      cause,
      hint: 'make it readable, or leave it out with a line in .dockerignore',
    })
  }
  try {
    const before = expected ?? statOf(fd)
    const digest = hashDescriptor(fd)
    if (!statOf(fd).equals(before)) throw changedWhileRead(name)
    return digest
  } finally {
    closeSync(fd)
  }
}

function hashDescriptor(fd: number): string {
  const first = readSync(fd, BUFFER, 0, BUFFER.length, null)
  if (first < BUFFER.length) return hash('sha256', BUFFER.subarray(0, first), 'hex')
  const hasher = createHash('sha256').update(BUFFER)
  for (;;) {
    const read = readSync(fd, BUFFER, 0, BUFFER.length, null)
    if (read === 0) return hasher.digest('hex')
    hasher.update(BUFFER.subarray(0, read))
  }
}

function statOf(fd: number): FileStat {
  return FileStat.of(fstatSync(fd, { bigint: true }))
}

function changedWhileRead(name: string): ShaleError {
  return new ShaleError('FILE_CHANGED', `${JSON.stringify(name)} changed while the build read it`, {
    hint: 'keep other programs from writing to the build context, and build again',
  })
}
