import { getSystemErrorName } from 'node:util'
import { koffi } from '../koffi.ts'
import type { ByteString } from './entry.ts'

/**
 * System calls that node:fs lacks. Paths are absolute byte strings; a symbolic link at a path's end is never followed.
 * Failures throw an error as node:fs would: `code`, `errno`, `syscall`, `path`. Linux only; nothing is loaded before the
 * first call.
 */
interface Functions {
  readonly mknodat: (dir: number, path: Buffer, mode: number, device: number) => number
  readonly lsetxattr: (path: Buffer, name: string, value: Buffer, size: number, flags: number) => number
  readonly lgetxattr: (path: Buffer, name: string, value: Buffer, size: number) => number
  readonly llistxattr: (path: Buffer, list: Buffer, size: number) => number
  readonly utimensat: (dir: number, path: Buffer, times: Buffer, flags: number) => number
  readonly futimens: (fd: number, times: Buffer) => number
}

const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100
const XATTR_MAX = 65_536

let loaded: Functions | undefined

/** Symbols of the C library that Node itself runs on, be it glibc or musl. */
function calls(): Functions {
  if (loaded !== undefined) return loaded
  const library = koffi.load(null)
  loaded = {
    mknodat: library.func('int mknodat(int dir, const uint8_t *path, uint32_t mode, uint64_t device)'),
    lsetxattr: library.func(
      'int lsetxattr(const uint8_t *path, const char *name, const uint8_t *value, size_t size, int flags)',
    ),
    lgetxattr: library.func('int64_t lgetxattr(const uint8_t *path, const char *name, uint8_t *value, size_t size)'),
    llistxattr: library.func('int64_t llistxattr(const uint8_t *path, uint8_t *list, size_t size)'),
    utimensat: library.func('int utimensat(int dir, const uint8_t *path, const uint8_t *times, int flags)'),
    futimens: library.func('int futimens(int fd, const uint8_t *times)'),
  }
  return loaded
}

/** The error of the call that has just failed. */
export function errnoError(syscall: string, path: ByteString): NodeJS.ErrnoException {
  const errno = koffi.errno()
  const code = getSystemErrorName(-errno)
  const shown = Buffer.from(path, 'latin1').toString('utf8')
  return Object.assign(new Error(`${code}: ${syscall} '${shown}'`), { code, errno: -errno, syscall, path: shown })
}

function cPath(path: ByteString): Buffer {
  return Buffer.from(`${path}\0`, 'latin1')
}

/** Kinds of nodes that `mknod` makes, as in the high bits of a mode. */
export const NODE_TYPE = { fifo: 0o010000, char: 0o020000, block: 0o060000 } as const

/** `permissions` are subject to the process' umask. */
export function mknod(path: ByteString, kind: keyof typeof NODE_TYPE, permissions: number, major = 0, minor = 0): void {
  const device =
    (major & 0xfff) * 0x100 + (minor & 0xff) + (minor >>> 8) * 0x10_0000 + (major >>> 12) * 0x1000_0000_0000
  if (calls().mknodat(AT_FDCWD, cPath(path), NODE_TYPE[kind] | permissions, device) !== 0)
    throw errnoError('mknodat', path)
}

export function setXattr(path: ByteString, name: string, value: ByteString): void {
  const bytes = Buffer.from(value, 'latin1')
  if (calls().lsetxattr(cPath(path), name, bytes, bytes.length, 0) !== 0) throw errnoError('lsetxattr', path)
}

const valueBuffer = Buffer.alloc(XATTR_MAX)

/** Undefined when there is no such attribute. */
export function getXattr(path: ByteString, name: string): ByteString | undefined {
  const size = calls().lgetxattr(cPath(path), name, valueBuffer, XATTR_MAX)
  if (size >= 0) return valueBuffer.toString('latin1', 0, size)
  const error = errnoError('lgetxattr', path)
  if (error.code === 'ENODATA') return undefined
  throw error
}

const NO_NAMES: readonly string[] = []

/** Names of a file's extended attributes; none on a file system that has no such thing. */
export function listXattrs(path: ByteString): readonly string[] {
  const size = calls().llistxattr(cPath(path), valueBuffer, XATTR_MAX)
  if (size === 0) return NO_NAMES
  if (size > 0) return valueBuffer.toString('utf8', 0, size - 1).split('\0')
  const error = errnoError('llistxattr', path)
  if (error.code === 'ENOTSUP' || error.code === 'EOPNOTSUPP') return NO_NAMES
  throw error
}

/** Two timespecs: time of access, time of modification; both are set to the same. */
const times = Buffer.alloc(32)

function setTimes(seconds: number, ns: number): Buffer {
  const low = seconds >>> 0
  const high = Math.floor(seconds / 0x1_0000_0000)
  for (const at of [0, 16]) {
    times.writeUInt32LE(low, at)
    times.writeInt32LE(high, at + 4)
    times.writeUInt32LE(ns, at + 8)
  }
  return times
}

export function setTimesOfPath(path: ByteString, seconds: number, ns: number): void {
  if (calls().utimensat(AT_FDCWD, cPath(path), setTimes(seconds, ns), AT_SYMLINK_NOFOLLOW) !== 0)
    throw errnoError('utimensat', path)
}

export function setTimesOfFile(fd: number, seconds: number, ns: number): void {
  if (calls().futimens(fd, setTimes(seconds, ns)) !== 0) throw errnoError('futimens', `descriptor ${fd}`)
}
