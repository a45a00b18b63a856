/**
 * File-system bytes (paths, link targets, xattr values) as a *byte string*: a JavaScript string in which each
 * character is one byte (latin1). Nothing is lost for names that are not UTF-8, order is byte order, and V8 keeps such
 * strings in one byte a character. Layer paths are relative to the root: `usr/bin/env`, without leading or trailing
 * slash, without `.`, `..` and empty components; the root itself is `''`.
 */
export type ByteString = string

const ASCII = /^[\x00-\x7f]*$/

/** Text to the byte string of its UTF-8 encoding. */
export function toByteString(text: string): ByteString {
  return ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** A byte string for a person's eye: decoded as UTF-8, invalid bytes replaced. */
export function fromByteString(bytes: ByteString): string {
  return ASCII.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8')
}

/** A byte string as a path for node:fs, which takes a string as UTF-8 and a Buffer as it is. */
export function toFsPath(bytes: ByteString): string | Buffer {
  return ASCII.test(bytes) ? bytes : Buffer.from(bytes, 'latin1')
}

interface Common {
  readonly path: ByteString
  /** Permission bits with set-uid, set-gid and sticky: 0 to 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Whole seconds since 1970, may be negative. */
  readonly mtime: number
  /** 0 to 999,999,999. */
  readonly mtimeNs: number
  /** Sorted by name; absent when there are none. File capabilities are `security.capability` in version 2. */
  readonly xattrs?: readonly Xattr[]
}

export interface Xattr {
  readonly name: string
  readonly value: ByteString
}

export interface FileEntry extends Common {
  readonly kind: 'file'
  /** Bytes. */
  readonly size: number
  /** sha256 of the content in hex. */
  readonly digest: string
}

export interface DirectoryEntry extends Common {
  readonly kind: 'directory'
  /** True when the directory hides what lower layers have below it (`.wh..wh..opq`). */
  readonly opaque?: true
}

export interface SymlinkEntry extends Common {
  readonly kind: 'symlink'
  readonly target: ByteString
}

/** A further name of an earlier file of the same layer; metadata repeats the file's. */
export interface HardlinkEntry extends Common {
  readonly kind: 'hardlink'
  /** Path of the group's first name in the table's order. */
  readonly target: ByteString
}

export interface DeviceEntry extends Common {
  readonly kind: 'char' | 'block'
  readonly major: number
  readonly minor: number
}

export interface FifoEntry extends Common {
  readonly kind: 'fifo'
}

/** The layer deletes the path of the layers below (`.wh.NAME` in the tar). Mode, owner and time are 0. */
export interface WhiteoutEntry extends Common {
  readonly kind: 'whiteout'
}

/** One line of a layer's table of contents. Source: OCI image-spec v1.1 layer.md. */
export type Entry = FileEntry | DirectoryEntry | SymlinkEntry | HardlinkEntry | DeviceEntry | FifoEntry | WhiteoutEntry

/** Whether two entries have the same tar: content, attributes and times. */
export function sameEntry(a: Entry, b: Entry): boolean {
  return (
    a.kind === b.kind &&
    a.path === b.path &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.mtime === b.mtime &&
    a.mtimeNs === b.mtimeNs &&
    sameKind(a, b) &&
    (a.xattrs === b.xattrs || JSON.stringify(a.xattrs ?? []) === JSON.stringify(b.xattrs ?? []))
  )
}

/** What only one kind has; both are of the same. */
function sameKind(a: Entry, b: Entry): boolean {
  if (a.kind === 'file') return b.kind === a.kind && a.digest !== '' && a.digest === b.digest && a.size === b.size
  if (a.kind === 'directory') return b.kind === a.kind && (a.opaque === true) === (b.opaque === true)
  if (a.kind === 'symlink' || a.kind === 'hardlink') return b.kind === a.kind && a.target === b.target
  if (a.kind === 'char' || a.kind === 'block') return b.kind === a.kind && a.major === b.major && a.minor === b.minor
  return true
}

/** Byte order of paths, the order of every table of contents: a directory comes before what is in it. */
export function comparePaths(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The path of the directory that holds `path`; the root's is the root. */
export function parentPath(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

export function baseName(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1)
}
