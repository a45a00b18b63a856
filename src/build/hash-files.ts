import { createHash, hash } from 'node:crypto'
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { isErrno, ShaleError } from '../error.ts'
import { fromByteString } from '../layer/entry.ts'
import type { PlannedEntry } from './copy/plan.ts'
import type { HostStat, Origin } from './copy/source.ts'

/** Digests of files read before, by the folder-relative path and the stat they were read under. */
export interface KnownDigests {
  find(path: string, stat: HostStat): string | undefined
  /** `stat` is from after reading and equals the one before. */
  learn(path: string, stat: HostStat, digest: string): void
}

const BUFFER = Buffer.allocUnsafe(1024 * 1024)

/** The plan with every file's digest: from the index where the stat is known, else by reading the file. */
export function hashPlanned(planned: readonly PlannedEntry[], known: KnownDigests): readonly PlannedEntry[] {
  return planned.map(item => {
    const { entry, origin, sourcePath = '' } = item
    if (entry.kind !== 'file' || entry.digest !== '' || origin === undefined) return item
    return { ...item, entry: { ...entry, digest: fileDigest(fromByteString(sourcePath), origin, known) } }
  })
}

/** The hex sha256 of a file, from the index when its stat is known. `path` is its name in the context. */
export function fileDigest(path: string, origin: Origin, known: KnownDigests): string {
  if (origin.kind === 'inline') return hash('sha256', origin.data, 'hex')
  if (origin.kind === 'layer') throw new Error('files of layers come with their digest')
  const found = origin.stat === undefined ? undefined : known.find(path, origin.stat)
  if (found !== undefined) return found
  const { digest, stat } = readDigest(path, origin.path)
  if (origin.stat !== undefined && sameFile(origin.stat, stat)) known.learn(path, origin.stat, digest)
  else if (origin.stat !== undefined) throw changedWhileRead(path)
  return digest
}

function readDigest(name: string, path: string | Buffer): { digest: string; stat: BigIntStats } {
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
    const before = fstatSync(fd, { bigint: true })
    const digest = hashDescriptor(fd)
    const stat = fstatSync(fd, { bigint: true })
    if (!sameFile(before, stat)) throw changedWhileRead(name)
    return { digest, stat }
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

function sameFile(a: HostStat, b: HostStat): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}

function changedWhileRead(name: string): ShaleError {
  return new ShaleError('FILE_CHANGED', `${JSON.stringify(name)} changed while the build read it`, {
    hint: 'keep other programs from writing to the build context, and build again',
  })
}
