import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { isErrno, ShaleError, writing } from '../error.ts'
import {
  type ByteString,
  type DirectoryEntry,
  type Entry,
  fromByteString,
  parentPath,
  toByteString,
  toFsPath,
} from './entry.ts'
import { mknod, setTimesOfFile, setTimesOfPath, setXattr } from './fs-calls.ts'

export interface TreeOptions {
  /** Whose attribute marks opaque directories: `trusted.overlay.` (root's mounts) or `user.overlay.` (`userxattr`). */
  readonly overlay: 'trusted' | 'user'
  /** `ignore`: everything belongs to who runs this, and what only root may make (devices) is left out. */
  readonly ownership: 'real' | 'ignore'
  /** What the layers below say of a directory that this layer uses but does not list; 0755 of root by default. */
  readonly implied?: ((path: ByteString) => DirectoryEntry | undefined) | undefined
  readonly signal?: AbortSignal | undefined
}

type Attributes = Pick<Entry, 'mode' | 'uid' | 'gid' | 'mtime' | 'mtimeNs' | 'xattrs'>

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/**
 * Writes entries strictly beneath a folder that was empty and that nobody else writes to. No symbolic link is ever
 * followed: each ancestor is a directory that this writer has made, and what stands in the way of one is removed.
 */
export class TreeWriter {
  readonly #root: ByteString
  readonly #options: TreeOptions
  /** Paths known to be real directories now. */
  readonly #directories = new Set<ByteString>([''])
  readonly #umask = process.umask()
  readonly #uid = process.geteuid?.() ?? 0
  readonly #gid = process.getegid?.() ?? 0

  constructor(folder: string, options: TreeOptions) {
    this.#root = toByteString(folder)
    this.#options = options
    // Files made in a set-gid folder would get its group.
    chmodSync(folder, 0o755)
  }

  #absolute(path: ByteString): ByteString {
    return path === '' ? this.#root : `${this.#root}/${path}`
  }

  /** A real directory at `path` and all above it. */
  directory(path: ByteString): void {
    if (this.#directories.has(path)) return
    this.directory(parentPath(path))
    const target = toFsPath(this.#absolute(path))
    try {
      mkdirSync(target, 0o700)
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
      if (!lstatSync(target).isDirectory()) {
        unlinkSync(target)
        mkdirSync(target, 0o700)
      }
    }
    this.#directories.add(path)
  }

  /** Makes room for something that is no directory, and runs `make`. */
  #place(path: ByteString, make: (absolute: string | Buffer) => void): void {
    this.directory(parentPath(path))
    const absolute = toFsPath(this.#absolute(path))
    try {
      make(absolute)
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
      rmSync(absolute, { recursive: true, force: true })
      this.#forget(path)
      make(absolute)
    }
  }

  #forget(path: ByteString): void {
    if (!this.#directories.has(path)) return
    // Which ones were below is found out again when they are needed.
    this.#directories.clear()
    this.#directories.add('')
  }

  /** Makes a file; `write` fills the descriptor, attributes are set after it. */
  file(entry: Attributes & { readonly path: ByteString }, write: (fd: number) => void): void {
    const fd = this.beginFile(entry)
    try {
      write(fd)
      this.finishFile(fd, entry)
    } finally {
      closeSync(fd)
    }
  }

  beginFile({ path, mode }: Attributes & { readonly path: ByteString }): number {
    let fd = -1
    this.#place(path, absolute => {
      fd = openSync(absolute, CREATE, mode & 0o777)
    })
    return fd
  }

  /** Writes on to a file that was begun. `path` is for the error's text. */
  append(fd: number, path: ByteString, bytes: Uint8Array): void {
    writing(this.#absolute(path), () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at)
    })
  }

  finishFile(fd: number, entry: Attributes & { readonly path: ByteString }): void {
    const { mode, uid, gid } = entry
    if (this.#mustChown(uid, gid)) fchownSync(fd, uid, gid)
    if ((mode & 0o7000) !== 0 || (mode & this.#umask) !== 0) fchmodSync(fd, mode)
    if (entry.xattrs !== undefined) this.#setXattrs(entry.path, entry)
    setTimesOfFile(fd, entry.mtime, entry.mtimeNs)
  }

  /** Symbolic links, devices, fifos. Devices that may not be made are left out. */
  node(entry: Exclude<Entry, { kind: 'file' | 'directory' | 'hardlink' | 'whiteout' }>): void {
    if (entry.kind === 'symlink') {
      this.#place(entry.path, absolute => symlinkSync(toFsPath(entry.target), absolute))
    } else {
      const [major, minor] = entry.kind === 'fifo' ? [0, 0] : [entry.major, entry.minor]
      try {
        this.#place(entry.path, () => mknod(this.#absolute(entry.path), entry.kind, 0o600, major, minor))
      } catch (error) {
        // Neither an ordinary user nor root of a user namespace may make devices; containers get a fresh /dev.
        if (entry.kind !== 'fifo' && isErrno(error, 'EPERM')) return
        throw error
      }
    }
    this.#setAttributes(entry.path, entry, entry.kind !== 'symlink')
  }

  /** A further name for what is at `target`, which must have been written. */
  hardlink(path: ByteString, target: ByteString): void {
    if (path === target) return
    for (let above = parentPath(target); !this.#directories.has(above); above = parentPath(above)) {
      if (!lstatSync(toFsPath(this.#absolute(above))).isDirectory()) throw badLink(path, target)
    }
    try {
      this.#place(path, absolute => linkSync(toFsPath(this.#absolute(target)), absolute))
    } catch (cause) {
      if (isErrno(cause, 'ENOENT', 'EPERM')) throw badLink(path, target, cause)
      throw cause
    }
  }

  /** Deletes `path` of the layers below. */
  whiteout(path: ByteString): void {
    this.#place(path, () => mknod(this.#absolute(path), 'char', 0, 0, 0))
  }

  /** Sets a directory's attributes; to be called when nothing will be written into it any more. */
  finishDirectory(path: ByteString, entry: DirectoryEntry): void {
    if (entry.opaque === true) setXattr(this.#absolute(path), `${this.#options.overlay}.overlay.opaque`, 'y')
    this.#setAttributes(path, entry, true)
  }

  #setAttributes(path: ByteString, entry: Attributes, chmod: boolean): void {
    const absolute = this.#absolute(path)
    const { mode, uid, gid, mtime, mtimeNs } = entry
    if (this.#mustChown(uid, gid)) lchownSync(toFsPath(absolute), uid, gid)
    if (chmod) chmodSync(toFsPath(absolute), mode)
    if (entry.xattrs !== undefined) this.#setXattrs(path, entry)
    setTimesOfPath(absolute, mtime, mtimeNs)
  }

  #mustChown(uid: number, gid: number): boolean {
    return this.#options.ownership === 'real' && (uid !== this.#uid || gid !== this.#gid)
  }

  #setXattrs(path: ByteString, { xattrs = [] }: Attributes): void {
    for (const { name, value } of xattrs) {
      try {
        setXattr(this.#absolute(path), name, value)
      } catch (cause) {
        // What this kernel, file system or user cannot have is left out, as other tools do, but capabilities are not.
        const strict = name === 'security.capability' && this.#options.ownership === 'real'
        if (strict || !isErrno(cause, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP')) {
          throw new ShaleError('TREE_XATTR', `cannot set ${name} of ${show(path)}: ${(cause as Error).message}`, {
            cause,
          })
        }
      }
    }
  }
}

function badLink(path: ByteString, target: ByteString, cause?: unknown): ShaleError {
  return new ShaleError(
    'LAYER_INVALID',
    `hard link ${show(path)} names ${show(target)}, which is no file of the layer`,
    { cause },
  )
}

function show(path: ByteString): string {
  return JSON.stringify(fromByteString(path))
}
