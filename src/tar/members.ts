import { ShaleError } from '../error.ts'
import type { RawHeader, Where } from './block.ts'
import type { ByteString, TarHeader, TarKind, TarXattr } from './header.ts'
import { type PaxRecords, parsePax, parsePaxTime, paxXattr } from './pax.ts'

/** A sparse file as a pax header tells it; without `map`, the map is at the data's start (version 1.0). */
interface PaxSparse {
  readonly map: readonly string[] | undefined
  readonly size: number
}

/** A header with its extensions applied. */
export interface Member {
  readonly header: TarHeader
  readonly sparse: PaxSparse | undefined
}

const KIND: Readonly<Record<string, TarKind>> = {
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  D: 'directory',
  '6': 'fifo',
}

const MAX_GLOBAL = 1024 * 1024

/** Types whose body describes the next member (or, `g`, all that follow), with the largest body that is read. */
export const META_LIMIT: Readonly<Record<string, number>> = {
  x: 1024 * 1024,
  X: 1024 * 1024,
  g: 1024 * 1024,
  L: 64 * 1024,
  K: 64 * 1024,
}

/** Volume labels, ACLs of Solaris, inodes of Sun's tar: of no interest for a layer. */
export const IGNORED_TYPES: ReadonlySet<string> = new Set(['V', 'A', 'I'])

/** Keeps what extended headers say until the member that they are about. */
export class Extensions {
  readonly #global = new Map<ByteString, ByteString>()
  #globalSize = 0
  #records: PaxRecords = []
  #longName: ByteString | undefined
  #longLink: ByteString | undefined

  /** True when a member must follow. */
  get pending(): boolean {
    return this.#records.length > 0 || this.#longName !== undefined || this.#longLink !== undefined
  }

  add(type: string, body: ByteString, where: Where): void {
    if (type === 'L') this.#longName = untilNul(body)
    else if (type === 'K') this.#longLink = untilNul(body)
    else if (type === 'g') this.#addGlobal(parsePax(body, where), body.length, where)
    else this.#records = parsePax(body, where)
  }

  #addGlobal(records: PaxRecords, size: number, where: Where): void {
    this.#globalSize += size
    if (this.#globalSize > MAX_GLOBAL) {
      throw new ShaleError('TAR_TOO_LARGE', `${where()}: the archive's global headers exceed ${MAX_GLOBAL} bytes`)
    }
    for (const [key, value] of records) this.#global.set(key, value)
  }

  /** Applies and forgets what was said of this member. */
  apply(raw: RawHeader, where: Where): Member {
    const records = this.#global.size === 0 ? this.#records : [...this.#global, ...this.#records]
    const name = this.#longName ?? raw.name
    const link = this.#longLink ?? raw.linkname
    this.#records = []
    this.#longName = undefined
    this.#longLink = undefined
    const type = KIND[raw.type]
    if (type === undefined) {
      throw new ShaleError('TAR_UNSUPPORTED', `${where()}: member type ${JSON.stringify(raw.type)} is not known`)
    }
    const pax = records.length === 0 ? NOTHING : readRecords(records, where)
    const path = pax.sparseName ?? pax.path ?? name
    // Not the header's own name: long names are cut there, at times after a slash.
    const kind = type === 'file' && path.endsWith('/') ? 'directory' : type
    const isLink = kind === 'hardlink' || kind === 'symlink'
    const header: TarHeader = {
      path: kind === 'directory' ? withoutSlash(path) : path,
      kind,
      mode: raw.mode,
      uid: pax.uid ?? raw.uid,
      gid: pax.gid ?? raw.gid,
      size: pax.size ?? raw.size,
      mtime: pax.mtime?.seconds ?? raw.mtime,
      mtimeNs: pax.mtime?.ns ?? 0,
      target: isLink ? (pax.linkpath ?? link) : '',
      major: raw.major,
      minor: raw.minor,
      xattrs: pax.xattrs,
    }
    return { header, sparse: pax.sparse }
  }
}

interface Applied {
  path?: ByteString
  linkpath?: ByteString
  sparseName?: ByteString
  size?: number
  uid?: number
  gid?: number
  mtime?: { readonly seconds: number; readonly ns: number }
  xattrs: readonly TarXattr[]
  sparse?: PaxSparse
}

const NO_XATTRS: readonly TarXattr[] = []
const NOTHING: Applied = { xattrs: NO_XATTRS }

function readRecords(records: PaxRecords, where: Where): Applied {
  const out: Applied = { xattrs: NO_XATTRS }
  const xattrs = new Map<string, TarXattr>()
  const sparse = new Map<string, string>()
  const map: string[] = []
  for (const [key, value] of records) {
    const xattr = paxXattr(key, value)
    if (xattr !== undefined) xattrs.set(xattr.name, xattr)
    else if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') map.push(value)
    else if (key.startsWith('GNU.sparse.')) sparse.set(key.slice(11), value)
    else applyRecord(out, key, value, where)
  }
  if (xattrs.size > 0) out.xattrs = [...xattrs.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  if (sparse.size > 0) {
    const name = sparse.get('name')
    if (name !== undefined) out.sparseName = name
    const size = sparse.get('realsize') ?? sparse.get('size')
    const inData = sparse.get('major') === '1'
    if (size !== undefined) {
      out.sparse = {
        size: decimal(size, 'GNU.sparse.size', where),
        map: inData ? undefined : (sparse.get('map')?.split(',') ?? map),
      }
    }
  }
  return out
}

/** An empty value takes back what a global header said. */
function applyRecord(out: Applied, key: ByteString, value: ByteString, where: Where): void {
  if (key === 'path' || key === 'linkpath') {
    if (value === '') delete out[key]
    else out[key] = value
  } else if (key === 'size' || key === 'uid' || key === 'gid') {
    if (value === '') delete out[key]
    else out[key] = decimal(value, key, where)
  } else if (key === 'mtime') {
    if (value === '') delete out.mtime
    else out.mtime = time(value, where)
  }
}

function decimal(text: string, key: string, where: Where): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw new ShaleError('TAR_PAX_INVALID', `${where()}: invalid pax header: ${key} is no number`)
}

function time(text: string, where: Where): { readonly seconds: number; readonly ns: number } {
  const parsed = parsePaxTime(text)
  if (parsed !== undefined) return parsed
  throw new ShaleError('TAR_PAX_INVALID', `${where()}: invalid pax header: mtime is no time`)
}

function untilNul(body: ByteString): ByteString {
  const nul = body.indexOf('\0')
  return nul < 0 ? body : body.slice(0, nul)
}

function withoutSlash(path: ByteString): ByteString {
  let end = path.length
  while (end > 1 && path.charCodeAt(end - 1) === 0x2f) end--
  return path.slice(0, end)
}
