import { ShaleError } from '../error.ts'
import type { ByteString, Entry, FileEntry, Xattr } from './entry.ts'
import { findEntry, type Toc } from './toc.ts'
import { KINDS, TOC_LIMITS, TOC_MAGIC } from './toc-format.ts'

interface Attributes {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/**
 * Reads a table's binary form (toc-format.ts). Nothing is trusted: throws `TOC_INVALID` unless the bytes are whole, sizes
 * are in bounds, paths clean, sorted and unique, hard links name an earlier file, and nothing lies below a non-directory.
 */
export function decodeToc(bytes: Uint8Array): Toc {
  const source = new Source(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  source.magic()
  const count = source.varint(TOC_LIMITS.entries)
  const files = source.varint(count)
  const attributes = decodeAttributes(source)
  const xattrSets = decodeXattrSets(source)
  const digests = source.hex(files * 32)
  const entries = decodeRows(source, count, attributes, xattrSets, digests)
  source.end()
  const toc = { entries }
  checkParents(toc)
  return toc
}

function decodeAttributes(source: Source): readonly Attributes[] {
  const count = source.varint(source.left)
  const out: Attributes[] = []
  for (let i = 0; i < count; i++) {
    const mode = source.varint(0o7777)
    const uid = source.varint(0xffffffff)
    const gid = source.varint(0xffffffff)
    out.push({ mode, uid, gid })
  }
  return out
}

function decodeXattrSets(source: Source): readonly (readonly Xattr[])[] {
  const count = source.varint(source.left)
  const sets: Xattr[][] = []
  for (let i = 0; i < count; i++) {
    const size = source.varint(TOC_LIMITS.xattrsOfEntry)
    if (size === 0) source.fail('an empty set of extended attributes')
    const set: Xattr[] = []
    for (let j = 0; j < size; j++) {
      const name = Buffer.from(source.string(TOC_LIMITS.xattrName), 'latin1').toString('utf8')
      const value = source.string(TOC_LIMITS.xattrValue)
      const last = set.at(-1)
      if (name === '' || name.includes('\0') || (last !== undefined && last.name >= name)) {
        source.fail('extended attributes out of order or without a name')
      }
      set.push({ name, value })
    }
    sets.push(set)
  }
  return sets
}

function decodeRows(
  source: Source,
  count: number,
  attributeTable: readonly Attributes[],
  xattrSets: readonly (readonly Xattr[])[],
  digests: string,
): Entry[] {
  const entries: Entry[] = []
  let previous = ''
  let mtime = 0
  let files = 0
  for (let i = 0; i < count; i++) {
    const flags = source.byte()
    const kind = KINDS[flags & 7] as Entry['kind']
    const path = source.path()
    if (flags >= 32 || (i > 0 && path <= previous)) source.fail(`entry ${i} has unknown flags or is out of order`)
    previous = path
    if (path === '' && kind !== 'directory') source.fail('the root is no directory')
    if (kind === 'hardlink') {
      const file = entries[source.varint(i)]
      if (file?.kind !== 'file') return source.fail(`hard link ${JSON.stringify(path)} names no earlier file`)
      entries.push(hardlinkTo(file, path))
      continue
    }
    if (kind === 'whiteout') {
      entries.push({ kind, path, mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNs: 0 })
      continue
    }
    const attributes = attributeTable[source.varint(attributeTable.length)]
    const xattrs = (flags & 16) === 0 ? undefined : xattrSets[source.varint(xattrSets.length)]
    if (attributes === undefined || (xattrs === undefined && (flags & 16) !== 0))
      return source.fail('a number beyond its table')
    const { mode, uid, gid } = attributes
    mtime += source.signed()
    const mtimeNs = source.varint(999_999_999)
    let entry: Entry
    if (kind === 'file') {
      const digest = digests.slice(files * 64, files * 64 + 64)
      if (digest.length !== 64) source.fail('more files than digests')
      files++
      // Spelled out: files are most of a table, and spreading costs as much as all the rest.
      entry = { kind, path, mode, uid, gid, mtime, mtimeNs, size: source.varint(Number.MAX_SAFE_INTEGER), digest }
    } else entry = otherEntry(source, kind, { path, mode, uid, gid, mtime, mtimeNs }, (flags & 8) !== 0)
    entries.push(xattrs === undefined ? entry : { ...entry, xattrs })
  }
  if (files * 64 !== digests.length) source.fail('more digests than files')
  return entries
}

type Common = Pick<Entry, 'path' | 'mode' | 'uid' | 'gid' | 'mtime' | 'mtimeNs'>
type OtherKind = Exclude<Entry['kind'], 'file' | 'hardlink' | 'whiteout'>

function otherEntry(source: Source, kind: OtherKind, common: Common, opaque: boolean): Entry {
  switch (kind) {
    case 'directory':
      return opaque ? { kind, ...common, opaque } : { kind, ...common }
    case 'symlink':
      return { kind, ...common, target: source.string(TOC_LIMITS.target) }
    case 'fifo':
      return { kind, ...common }
    case 'char':
    case 'block': {
      const major = source.varint(0xffffffff)
      return { kind, ...common, major, minor: source.varint(0xffffffff) }
    }
  }
}

/** The entry of a further name of `file`. */
export function hardlinkTo(file: FileEntry, path: ByteString): Entry {
  const { mode, uid, gid, mtime, mtimeNs, xattrs } = file
  const entry = { kind: 'hardlink', path, mode, uid, gid, mtime, mtimeNs, target: file.path } as const
  return xattrs === undefined ? entry : { ...entry, xattrs }
}

/** Every ancestor that the table lists must be a directory. */
function checkParents(toc: Toc): void {
  const good = new Set<ByteString>([''])
  let last = ''
  for (const { path } of toc.entries) {
    const slash = path.lastIndexOf('/')
    // Neighbours share their parent: compare without making the parent's string.
    if (slash < 0 || (slash === last.length && path.startsWith(last))) continue
    last = path.slice(0, slash)
    for (
      let ancestor = last;
      !good.has(ancestor);
      ancestor = ancestor.slice(0, Math.max(0, ancestor.lastIndexOf('/')))
    ) {
      good.add(ancestor)
      const kind = findEntry(toc, ancestor)?.kind
      if (kind !== undefined && kind !== 'directory') {
        throw invalid(`${JSON.stringify(path)} lies below ${JSON.stringify(ancestor)}, a ${kind}`)
      }
    }
  }
}

function invalid(why: string): ShaleError {
  return new ShaleError('TOC_INVALID', `invalid table of contents: ${why}`)
}

class Source {
  readonly #bytes: Buffer
  #at = 0
  readonly #path = Buffer.alloc(TOC_LIMITS.path + 1)
  #pathLength = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    if (bytes.length > TOC_LIMITS.bytes) throw invalid(`${bytes.length} bytes are too many`)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  fail(why: string): never {
    throw invalid(`${why} (at byte ${this.#at})`)
  }

  magic(): void {
    const size = TOC_MAGIC.full.length
    if (!this.#bytes.subarray(0, size).equals(TOC_MAGIC.full)) this.fail('it begins with no known version')
    this.#at = size
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) this.fail('it is cut off')
    return this.#bytes[this.#at++] as number
  }

  varint(max: number): number {
    let byte = this.byte()
    if (byte < 0x80) {
      if (byte > max) this.fail(`${byte} where at most ${max} is possible`)
      return byte
    }
    let value = byte & 0x7f
    let unit = 0x80
    do {
      byte = this.byte()
      value += (byte & 0x7f) * unit
      unit *= 0x80
      if (value > max || unit > 2 ** 56) this.fail(`${value} where at most ${max} is possible`)
    } while (byte >= 0x80)
    return value
  }

  signed(): number {
    const value = this.varint(Number.MAX_SAFE_INTEGER)
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  string(max: number): ByteString {
    const length = this.varint(Math.min(max, this.left))
    if (length > this.left) this.fail('it is cut off')
    const start = this.#at
    this.#at += length
    return this.#bytes.toString('latin1', start, this.#at)
  }

  hex(length: number): string {
    if (length > this.left) this.fail('it is cut off')
    const start = this.#at
    this.#at += length
    return this.#bytes.toString('hex', start, this.#at)
  }

  path(): ByteString {
    const shared = this.varint(this.#pathLength)
    const rest = this.varint(TOC_LIMITS.path - shared)
    if (rest > this.left) this.fail('it is cut off')
    const path = this.#path
    const end = shared + rest
    for (let i = shared; i < end; i++) path[i] = this.#bytes[this.#at++] as number
    this.#pathLength = end
    this.#checkPath(shared, end)
    return path.toString('latin1', 0, end)
  }

  /** What is before the component that `shared` lies in was checked with the row before. */
  #checkPath(shared: number, end: number): void {
    if (end === 0) return
    const path = this.#path
    let start = shared
    while (start > 0 && path[start - 1] !== 0x2f) start--
    for (let i = start; i <= end; i++) {
      if (i < end && path[i] === 0) this.fail('a NUL in a path')
      if (i < end && path[i] !== 0x2f) continue
      const length = i - start
      const dots = (length === 1 || (length === 2 && path[start + 1] === 0x2e)) && path[start] === 0x2e
      if (length === 0 || length > TOC_LIMITS.component || dots)
        this.fail(`unclean path ${JSON.stringify(path.toString('latin1', 0, end))}`)
      start = i + 1
    }
  }

  end(): void {
    if (this.left !== 0) this.fail(`${this.left} bytes too many`)
  }
}
