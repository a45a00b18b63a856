import { createHash, hash } from 'node:crypto'
import {
  type BigIntStats,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { ShaleError } from '../error.ts'
import { capabilityVersion2 } from './capability.ts'
import { isOverlayXattr } from './clean.ts'
import type { OpenContent } from './content.ts'
import {
  type ByteString,
  comparePaths,
  type Entry,
  fromByteString,
  toByteString,
  toFsPath,
  type Xattr,
} from './entry.ts'
import { getXattr, listXattrs } from './fs-calls.ts'
import type { Toc } from './toc.ts'
import { TocBuilder } from './toc-builder.ts'

export interface ScanOptions {
  /** Paths (relative) to leave out, with all below. */
  readonly skip?: ((path: ByteString) => boolean) | undefined
  readonly signal?: AbortSignal | undefined
}

/** What of a file system's node becomes an entry; a file's digest is still empty. */
interface ScannedNode {
  readonly entry: Entry
  /** Identity of the file for names that share it; undefined when it has one name. */
  readonly inode: string | undefined
}

export interface ScannedTree {
  readonly toc: Toc
  /** For `packLayer` and `writeTree`: where an entry's content is. */
  readonly open: OpenContent
}

/**
 * The table of a folder's content, the folder itself as the root entry. Sockets are left out, as is what overlayfs notes
 * for itself. Hard links outside the folder are not seen. The folder must not change meanwhile: throws `FILE_CHANGED`
 * for a file that does.
 */
export function scanTree(folder: string, options: ScanOptions = {}): Promise<ScannedTree> {
  return scanWith(new Scan(folder), options, entry => entry)
}

/** Entries between two turns of the event loop. */
const TURN = 512

/** As `scanTree`; `mark` says what each entry means. */
export async function scanWith(scan: Scan, options: ScanOptions, mark: (entry: Entry) => Entry): Promise<ScannedTree> {
  const builder = new TocBuilder()
  const links = new Map<string, ByteString>()
  let count = 0
  for (const path of walk(scan, options.skip)) {
    if (++count % TURN === 0) {
      await setImmediate()
      options.signal?.throwIfAborted()
    }
    const node = scan.node(path)
    if (node !== undefined) addNode(builder, links, { ...node, entry: mark(node.entry) }, scan)
  }
  return { toc: builder.finish(), open: entry => ({ path: toFsPath(scan.absolute(entry.path)) }) }
}

function addNode(builder: TocBuilder, links: Map<string, ByteString>, { entry, inode }: ScannedNode, scan: Scan): void {
  const target = inode === undefined ? undefined : links.get(inode)
  if (target !== undefined) {
    const { path, mode, uid, gid, mtime, mtimeNs } = entry
    builder.add({ kind: 'hardlink', path, mode, uid, gid, mtime, mtimeNs, target })
    return
  }
  if (inode !== undefined) links.set(inode, entry.path)
  builder.add(entry.kind === 'file' ? { ...entry, digest: scan.digest(entry.path, entry.size) } : entry)
}

/** All paths of a folder, each directory before what is in it, names in byte order; the root first. */
function* walk(scan: Scan, skip?: (path: ByteString) => boolean): Generator<ByteString> {
  const left: ByteString[] = ['']
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (path !== '' && skip?.(path) === true) continue
    yield path
    if (!scan.isDirectory(path)) continue
    const names = scan.names(path).sort(comparePaths)
    for (let i = names.length - 1; i >= 0; i--) left.push(path === '' ? (names[i] as string) : `${path}/${names[i]}`)
  }
}

const READ_BUFFER = 1024 * 1024
const OPEN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const NS = 1_000_000_000n

/** Reads the nodes of one folder; never follows a symbolic link beneath it. */
export class Scan {
  readonly #root: ByteString
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BUFFER)
  #path: ByteString | undefined
  #stat: BigIntStats | undefined

  constructor(folder: string) {
    this.#root = toByteString(folder)
  }

  absolute(path: ByteString): ByteString {
    return path === '' ? this.#root : `${this.#root}/${path}`
  }

  #fsPath(path: ByteString): string | Buffer {
    return toFsPath(this.absolute(path))
  }

  /** The last path's stat is kept, since walking and reading both need it. */
  stat(path: ByteString): BigIntStats {
    if (this.#path !== path || this.#stat === undefined) {
      this.#stat = lstatSync(this.#fsPath(path), { bigint: true })
      this.#path = path
    }
    return this.#stat
  }

  isDirectory(path: ByteString): boolean {
    return this.stat(path).isDirectory()
  }

  names(path: ByteString): ByteString[] {
    return readdirSync(this.#fsPath(path), { encoding: 'latin1' })
  }

  /** Undefined for sockets. */
  node(path: ByteString): ScannedNode | undefined {
    const stat = this.stat(path)
    const entry = this.#entry(path, stat)
    if (entry === undefined) return undefined
    const xattrs = this.xattrs(path)
    return {
      entry: xattrs === undefined ? entry : { ...entry, xattrs },
      inode: stat.nlink > 1n && entry.kind === 'file' ? `${stat.dev}:${stat.ino}` : undefined,
    }
  }

  #entry(path: ByteString, stat: BigIntStats): Entry | undefined {
    const { mtimeNs } = stat
    const ns = ((mtimeNs % NS) + NS) % NS
    const common = {
      path,
      mode: Number(stat.mode & 0o7777n),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      mtime: Number((mtimeNs - ns) / NS),
      mtimeNs: Number(ns),
    }
    if (stat.isFile()) return { kind: 'file', ...common, size: Number(stat.size), digest: '' }
    if (stat.isDirectory()) return { kind: 'directory', ...common }
    if (stat.isSymbolicLink()) return { kind: 'symlink', ...common, target: readlinkSync(this.#fsPath(path), 'latin1') }
    if (stat.isFIFO()) return { kind: 'fifo', ...common }
    if (stat.isCharacterDevice()) return { kind: 'char', ...common, ...deviceNumber(stat.rdev) }
    return stat.isBlockDevice() ? { kind: 'block', ...common, ...deviceNumber(stat.rdev) } : undefined
  }

  /** Sorted; undefined when there are none. What belongs to overlayfs is left out. */
  xattrs(path: ByteString): readonly Xattr[] | undefined {
    const names = listXattrs(this.absolute(path))
    if (names.length === 0) return undefined
    const xattrs: Xattr[] = []
    for (const name of names) {
      if (isOverlayXattr(name)) continue
      const value = getXattr(this.absolute(path), name)
      if (value !== undefined)
        xattrs.push({ name, value: name === 'security.capability' ? capabilityVersion2(value) : value })
    }
    return xattrs.length === 0 ? undefined : xattrs.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** sha256 in hex. Throws `FILE_CHANGED` when the file has not `size` bytes. */
  digest(path: ByteString, size: number): string {
    if (size === 0) return hash('sha256', '', 'hex')
    const fd = openSync(this.#fsPath(path), OPEN)
    try {
      return size < READ_BUFFER ? this.#digestSmall(fd, path, size) : this.#digestLarge(fd, path, size)
    } finally {
      closeSync(fd)
    }
  }

  #digestSmall(fd: number, path: ByteString, size: number): string {
    const got = readSync(fd, this.#buffer, 0, size + 1, 0)
    if (got !== size) throw changed(path, got, size)
    return hash('sha256', this.#buffer.subarray(0, got), 'hex')
  }

  #digestLarge(fd: number, path: ByteString, size: number): string {
    const hasher = createHash('sha256')
    let total = 0
    for (let got = -1; got !== 0; total += got) {
      got = readSync(fd, this.#buffer, 0, READ_BUFFER, total)
      hasher.update(this.#buffer.subarray(0, got))
    }
    if (total !== size) throw changed(path, total, size)
    return hasher.digest('hex')
  }
}

/** Source: glibc's sys/sysmacros.h, as the kernel's huge device encoding. */
function deviceNumber(rdev: bigint): { readonly major: number; readonly minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  }
}

function changed(path: ByteString, got: number, size: number): ShaleError {
  return new ShaleError(
    'FILE_CHANGED',
    `${JSON.stringify(fromByteString(path))} changed while it was read: it has ${got} bytes, not ${size}`,
  )
}
