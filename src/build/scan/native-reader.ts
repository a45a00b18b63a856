import { constants } from 'node:fs'
import { koffi } from '../../koffi.ts'
import type { ByteString } from '../../layer/entry.ts'
import { errnoError } from '../../layer/fs-calls.ts'
import { writeStatx } from '../../store/file-stat.ts'
import type { DirectoryReader, VisitName } from './directory-reader.ts'

/** The three calls that reading directories takes; all are glibc's and, but for the newest, musl's. */
interface Calls {
  readonly openat: (directory: number, path: Buffer, flags: number) => number
  readonly close: (fd: number) => number
  readonly getdents64: (fd: number, buffer: Buffer, size: number) => number
  readonly statx: (directory: number, path: Uint8Array, flags: number, mask: number, buffer: Buffer) => number
}

const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100
const STATX_BASIC_STATS = 0x7ff
const O_CLOEXEC = 0o2000000
const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC
/** struct linux_dirent64: inode u64, offset u64, length u16, type u8, name. */
const LENGTH_AT = 16
const NAME_AT = 19
const DOT = 46

/** Reads directories with the kernel's own calls: no path, no string and no object for a file. Linux only. */
export class NativeReader implements DirectoryReader {
  readonly #calls = load()
  readonly #entries = Buffer.allocUnsafeSlow(64 * 1024)
  readonly #statx = Buffer.alloc(256)
  readonly #words = new Uint32Array(this.#statx.buffer, this.#statx.byteOffset, 64)
  readonly #open: { readonly fd: number; readonly name: ByteString }[] = []

  enter(name: ByteString): void {
    const fd = this.#calls.openat(this.#fd, Buffer.from(`${name}\0`, 'latin1'), OPEN_DIRECTORY)
    if (fd < 0) throw errnoError('open', name)
    this.#open.push({ fd, name })
  }

  leave(): void {
    this.#calls.close(this.#fd)
    this.#open.pop()
  }

  names(visit: VisitName): void {
    const entries = this.#entries
    for (;;) {
      const read = this.#calls.getdents64(this.#fd, entries, entries.length)
      if (read < 0) throw errnoError('getdents64', this.#open.at(-1)?.name ?? '')
      if (read === 0) return
      for (let at = 0; at < read; ) {
        const start = at + NAME_AT
        let end = start
        while (entries[end] !== 0) end++
        if (!isDots(entries, start, end)) visit(entries, start, end)
        at += (entries[at + LENGTH_AT] as number) | ((entries[at + LENGTH_AT + 1] as number) << 8)
      }
    }
  }

  stat(bytes: Buffer, start: number, end: number, words: Uint32Array, at: number): boolean {
    const name = bytes.subarray(start, end + 1)
    if (this.#calls.statx(this.#fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, this.#statx) === 0) {
      writeStatx(words, at, this.#words)
      return true
    }
    const error = errnoError('statx', bytes.toString('latin1', start, end))
    if (error.code === 'ENOENT') return false
    throw error
  }

  get #fd(): number {
    return this.#open.at(-1)?.fd ?? AT_FDCWD
  }
}

function isDots(bytes: Buffer, start: number, end: number): boolean {
  return bytes[start] === DOT && (end === start + 1 || (bytes[start + 1] === DOT && end === start + 2))
}

let loaded: Calls | undefined

/** Throws where the C library lacks one of them. */
function load(): Calls {
  if (loaded !== undefined) return loaded
  const library = koffi.load(null)
  loaded = {
    openat: library.func('int openat(int directory, const uint8_t *path, int flags)'),
    close: library.func('int close(int fd)'),
    getdents64: library.func('int64_t getdents64(int fd, uint8_t *buffer, size_t size)'),
    statx: library.func('int statx(int directory, const uint8_t *path, int flags, uint32_t mask, uint8_t *buffer)'),
  }
  return loaded
}
