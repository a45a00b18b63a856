import { constants, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { isErrno, ShaleError } from '../error.ts'
import { type ByteString, comparePaths, type Entry, fromByteString, toByteString, toFsPath } from '../layer/entry.ts'
import type { FileView } from '../rootfs/view.ts'
import { FileStat } from '../store/file-stat.ts'
import { below, type CopySource, type Origin, type SourceNode } from './copy/source.ts'
import type { KnownDigests } from './hash-files.ts'
import type { FileTable } from './scan/file-table.ts'
import { scanFolder } from './scan/scan-folder.ts'

/**
 * What permissions files of a context have: their own, or what git keeps of them. With `git` directories and what the
 * owner may execute have 0755, all else has 0644, whatever umask the checkout was made with.
 */
export type ContextModes = 'keep' | 'git'

/** Which paths of a context .dockerignore leaves out. */
export interface ContextFilter {
  /** True when the path itself is left out (a directory that is may still hold something that is not). */
  ignores(path: ByteString): boolean
  /** True when nothing below the ignored directory can be in the context. */
  prunes(path: ByteString): boolean
  /** True when everything below the directory is in the context. */
  keeps(directory: ByteString): boolean
}

/** The same for single paths that need not be there. */
export interface PathFilter extends ContextFilter {
  /** True when nothing of the path is left, or nothing at all for `.`. */
  excludes(path: ByteString): boolean
}

/**
 * A folder as a build context: owners are root's, sockets are empty files, what .dockerignore names is not there.
 * Nothing is read before it is asked for. What is asked for one by one is read one by one and once; directories that
 * are going to be copied are scanned first, each as a whole.
 */
export class ContextSource implements CopySource {
  readonly view: FileView
  readonly folder: string
  /** Digests of its files. */
  readonly known: KnownDigests
  readonly #filter: PathFilter
  readonly #missing: (pattern: string) => Error
  readonly #modes: ContextModes
  readonly #stats = new Map<ByteString, FileStat | undefined>()
  readonly #children = new Map<ByteString, readonly ByteString[]>()
  readonly #scans = new Map<ByteString, Promise<FileTable>>()
  /** Directories of scans and where they are there. */
  readonly #scanned = new Map<ByteString, { readonly table: FileTable; readonly row: number }>()

  /** `folder` is absolute; `missing` words the error for a COPY source that is not there. */
  constructor(
    folder: string,
    known: KnownDigests,
    filter: PathFilter,
    missing: (pattern: string) => Error,
    modes: ContextModes = 'keep',
  ) {
    this.folder = folder
    this.#modes = modes
    this.known = known
    this.#filter = filter
    this.#missing = missing
    this.view = { lookup: path => this.#lookup(path)?.entry, children: path => this.#list(path) }
  }

  node(path: ByteString): SourceNode | undefined {
    return this.#lookup(path)
  }

  nodes(directory: ByteString): readonly SourceNode[] {
    const place = this.#scanned.get(directory)
    if (place === undefined)
      return this.#list(directory).map(name => this.#lookup(below(directory, name)) as SourceNode)
    const { table, row } = place
    const failure = table.failure(row)
    if (failure !== undefined) throw this.#unreadable(directory, failure)
    return table.sortedChildren(row).map(child => this.#scannedNode(table, child, directory))
  }

  /** All that is in a directory, for `nodes` to take it from there. */
  scan(directory: ByteString): Promise<FileTable> {
    const known = this.#scans.get(directory)
    if (known !== undefined) return known
    const scan = this.#scan(directory)
    this.#scans.set(directory, scan)
    return scan
  }

  stat(path: ByteString): FileStat | undefined {
    if (this.#stats.has(path)) return this.#stats.get(path)
    const stat = this.#read(path)
    this.#stats.set(path, stat)
    return stat
  }

  /** Throws the error for a missing source when there is no such file. */
  origin(path: ByteString): Origin {
    const origin = this.#lookup(path)?.origin
    if (origin === undefined) throw this.#missing(fromByteString(path))
    return origin
  }

  /** Whether .dockerignore keeps a path out, whether or not it is there; `.` is the whole context. */
  excludes(path: string): boolean {
    return this.#filter.excludes(toByteString(path))
  }

  missing(pattern: string): Error {
    return this.#missing(pattern)
  }

  hostPath(path: ByteString): string | Buffer {
    return toFsPath(this.#absolute(path))
  }

  #absolute(path: ByteString): ByteString {
    return `${toByteString(this.folder)}/${path}`
  }

  async #scan(directory: ByteString): Promise<FileTable> {
    const table = await scanFolder(this.#absolute(directory), directory, this.#filter)
    this.#scanned.set(directory, { table, row: 0 })
    return table
  }

  #scannedNode(table: FileTable, row: number, directory: ByteString): SourceNode {
    const path = below(directory, table.name(row))
    if (table.isDirectory(row)) this.#scanned.set(path, { table, row })
    return this.#nodeOf(path, table.stat(row))
  }

  #lookup(path: ByteString): SourceNode | undefined {
    const stat = this.stat(path)
    if (stat === undefined) return undefined
    if (path !== '' && this.#filter.ignores(path)) {
      // An ignored directory shows when a later `!` line brings back something in it.
      const shows = stat.type === constants.S_IFDIR && !this.#filter.prunes(path) && this.#list(path).length > 0
      if (!shows) return undefined
    }
    return this.#nodeOf(path, stat)
  }

  #read(path: ByteString): FileStat | undefined {
    try {
      const stat = lstatSync(this.hostPath(path), { bigint: true, throwIfNoEntry: false })
      return stat && FileStat.of(stat)
    } catch (cause) {
      // Below something that is no directory: not there.
      if (isErrno(cause, 'ENOTDIR', 'ENAMETOOLONG')) return undefined
      throw this.#unreadable(path, cause)
    }
  }

  #nodeOf(path: ByteString, stat: FileStat): SourceNode {
    const { type } = stat
    const entry = this.#entry(path, stat, type)
    if (type === constants.S_IFREG) {
      const origin = new HostOrigin(this.folder, path, stat)
      return { path, entry, origin, group: stat.links < 2 ? undefined : stat.inode }
    }
    return type === S_IFSOCK ? { path, entry, origin: NOTHING } : { path, entry }
  }

  #entry(path: ByteString, stat: FileStat, type: number): Entry {
    const { mtime, mtimeNs } = stat
    const mode = this.#modes === 'git' ? gitMode(stat) : stat.permissions
    const common = { path, mode, uid: 0, gid: 0, mtime, mtimeNs }
    switch (type) {
      case constants.S_IFREG:
        return { path, mode, uid: 0, gid: 0, mtime, mtimeNs, kind: 'file', size: stat.size, digest: '' }
      case constants.S_IFDIR:
        return { ...common, kind: 'directory' }
      case constants.S_IFLNK:
        return { ...common, mode: 0o777, kind: 'symlink', target: this.#target(path) }
      case constants.S_IFIFO:
        return { ...common, kind: 'fifo' }
      case S_IFSOCK:
        return { ...common, kind: 'file', size: 0, digest: '' }
      default:
        return { ...common, kind: type === constants.S_IFBLK ? 'block' : 'char', ...stat.device }
    }
  }

  #target(path: ByteString): ByteString {
    try {
      return readlinkSync(this.hostPath(path), { encoding: 'latin1' })
    } catch (cause) {
      throw this.#unreadable(path, cause)
    }
  }

  #list(path: ByteString): readonly ByteString[] {
    const listed = this.#children.get(path)
    if (listed !== undefined) return listed
    if (this.stat(path)?.type !== constants.S_IFDIR) return []
    const names = this.#names(path).filter(name => this.#lookup(below(path, name)) !== undefined)
    this.#children.set(path, names)
    return names
  }

  #names(path: ByteString): ByteString[] {
    try {
      return readdirSync(this.hostPath(path), { encoding: 'latin1' }).sort(comparePaths)
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

/** Source: git's Documentation, "fast-import", on modes of files. */
function gitMode({ type, permissions }: FileStat): number {
  return type === constants.S_IFDIR || (permissions & constants.S_IXUSR) !== 0 ? 0o755 : 0o644
}

/** `constants` has it not. Source: inode(7). */
const S_IFSOCK = 0o140000

const NOTHING: Origin = { kind: 'inline', data: Buffer.alloc(0) }

/** Where a file of the context is; its path is put together when somebody reads it, which is seldom. */
class HostOrigin {
  readonly kind = 'host'
  readonly stat: FileStat
  readonly #folder: string
  readonly #path: ByteString

  constructor(folder: string, path: ByteString, stat: FileStat) {
    this.stat = stat
    this.#folder = folder
    this.#path = path
  }

  get path(): string | Buffer {
    return toFsPath(`${toByteString(this.#folder)}/${this.#path}`)
  }
}

function reason(cause: unknown): string {
  if (isErrno(cause, 'EACCES', 'EPERM')) return 'permission denied'
  return cause instanceof Error ? cause.message : String(cause)
}
