import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { isErrno, ShaleError } from '../error.ts'
import { type ByteString, type Entry, fromByteString, toByteString, toFsPath } from '../layer/entry.ts'
import type { FileView } from '../rootfs/view.ts'
import type { CopySource, HostStat, Origin } from './copy/source.ts'

/** Which paths of a context .dockerignore leaves out. */
export interface ContextFilter {
  /** True when the path itself is left out (a directory that is may still hold something that is not). */
  ignores(path: ByteString): boolean
  /** True when nothing below the ignored directory can be in the context. */
  prunes(path: ByteString): boolean
}

/** Git's two kinds of mode, or the modes as they are. */
export type ContextModes = 'real' | 'git'

interface Known {
  readonly entry: Entry
  readonly stat: HostStat
  readonly links: bigint
}

/**
 * A folder as a build context: owners are root's, sockets are empty files, what .dockerignore names is not there.
 * Nothing is read before it is asked for, and each path is asked of the system once.
 */
export class ContextSource implements CopySource {
  readonly view: FileView
  readonly folder: string
  readonly #filter: ContextFilter
  readonly #missing: (pattern: string) => Error
  readonly #known = new Map<ByteString, Known | undefined>()
  readonly #children = new Map<ByteString, readonly ByteString[]>()

  /** `folder` is absolute; `missing` words the error for a COPY source that is not there. */
  constructor(folder: string, filter: ContextFilter, missing: (pattern: string) => Error) {
    this.folder = folder
    this.#filter = filter
    this.#missing = missing
    this.view = { lookup: path => this.#lookup(path), children: path => this.#list(path) }
  }

  origin(path: ByteString): Origin {
    const known = this.#stat(path)
    if (known === undefined) throw this.#missing(fromByteString(path))
    if (known.entry.kind === 'file' && (known.stat.mode & 0o170000n) === 0o140000n) {
      return { kind: 'inline', data: Buffer.alloc(0) }
    }
    return { kind: 'host', path: this.hostPath(path), stat: known.stat }
  }

  linkGroup(path: ByteString): string | undefined {
    const known = this.#stat(path)
    return known === undefined || known.links < 2n ? undefined : `${known.stat.dev}:${known.stat.ino}`
  }

  missing(pattern: string): Error {
    return this.#missing(pattern)
  }

  hostPath(path: ByteString): string | Buffer {
    return toFsPath(`${toByteString(this.folder)}/${path}`)
  }

  #lookup(path: ByteString): Entry | undefined {
    if (path === '') return this.#stat(path)?.entry
    const known = this.#stat(path)
    if (known === undefined) return undefined
    if (!this.#filter.ignores(path)) return known.entry
    // An ignored directory shows when a later `!` line brings back something in it.
    const shows = known.entry.kind === 'directory' && !this.#filter.prunes(path) && this.#list(path).length > 0
    return shows ? known.entry : undefined
  }

  #stat(path: ByteString): Known | undefined {
    if (this.#known.has(path)) return this.#known.get(path)
    const known = this.#read(path)
    this.#known.set(path, known)
    return known
  }

  #read(path: ByteString): Known | undefined {
    try {
      const stat = lstatSync(this.hostPath(path), { bigint: true, throwIfNoEntry: false })
      return stat === undefined
        ? undefined
        : { entry: this.#entry(path, stat), stat: hostStat(stat), links: linkCount(stat) }
    } catch (cause) {
      // Below something that is no directory: not there.
      if (isErrno(cause, 'ENOTDIR', 'ENAMETOOLONG')) return undefined
      throw this.#unreadable(path, cause)
    }
  }

  #entry(path: ByteString, stat: BigIntStats): Entry {
    const common = {
      path,
      mode: Number(stat.mode & 0o7777n),
      uid: 0,
      gid: 0,
      ...splitTime(stat.mtimeNs),
    }
    if (stat.isFile()) return { ...common, kind: 'file', size: Number(stat.size), digest: '' }
    if (stat.isDirectory()) return { ...common, kind: 'directory' }
    if (stat.isSymbolicLink()) {
      const target = readlinkSync(this.hostPath(path), { encoding: 'latin1' })
      return { ...common, mode: 0o777, kind: 'symlink', target }
    }
    if (stat.isFIFO()) return { ...common, kind: 'fifo' }
    if (stat.isSocket()) return { ...common, kind: 'file', size: 0, digest: '' }
    const kind = stat.isBlockDevice() ? 'block' : 'char'
    const device = Number(stat.rdev)
    return { ...common, kind, major: (device >> 8) & 0xfff, minor: (device & 0xff) | ((device >> 12) & 0xfff00) }
  }

  #list(path: ByteString): readonly ByteString[] {
    const listed = this.#children.get(path)
    if (listed !== undefined) return listed
    if (this.#stat(path)?.entry.kind !== 'directory') return []
    const names = this.#names(path).filter(name => this.#lookup(path === '' ? name : `${path}/${name}`) !== undefined)
    this.#children.set(path, names)
    return names
  }

  #names(path: ByteString): ByteString[] {
    try {
      return readdirSync(this.hostPath(path), { encoding: 'latin1' }).sort()
    } catch (cause) {
      throw this.#unreadable(path, cause)
    }
  }

  #unreadable(path: ByteString, cause: unknown): ShaleError {
    const name = fromByteString(path) || '.'
    return new ShaleError(
      'CONTEXT_UNREADABLE',
      `cannot read ${name} in the build context ${this.folder}: ${reason(cause)}`,
      {
        cause,
        hint: 'make it readable, or leave it out with a line in .dockerignore',
      },
    )
  }
}

/** Seconds rounded down, so that a time before 1970 has nanoseconds that count upwards too. */
function splitTime(ns: bigint): { readonly mtime: number; readonly mtimeNs: number } {
  const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  return { mtime: Number((ns - rest) / 1_000_000_000n), mtimeNs: Number(rest) }
}

function reason(cause: unknown): string {
  if (isErrno(cause, 'EACCES', 'EPERM')) return 'permission denied'
  return cause instanceof Error ? cause.message : String(cause)
}

/** Directories have more than one link by themselves. */
function linkCount(stat: BigIntStats): bigint {
  return stat.isFile() ? stat.nlink : 1n
}

function hostStat(stat: BigIntStats): HostStat {
  const { dev, ino, size, mode, mtimeNs, ctimeNs } = stat
  return { dev, ino, size, mode, mtimeNs, ctimeNs }
}
