import { ShaleError } from '../error.ts'
import { BLOCK, type ByteString, FIELD, padding, type TarEntry, type TarKind } from './header.ts'
import { formatPaxTime, paxRecord, xattrKey } from './pax.ts'

const TYPE_FLAG: Readonly<Record<TarKind, number>> = {
  file: 0x30,
  hardlink: 0x31,
  symlink: 0x32,
  char: 0x33,
  block: 0x34,
  directory: 0x35,
  fifo: 0x36,
}
const PAX_TYPE = 0x78
/** What our reader, and most others, take. */
const MAX_PAX = 1024 * 1024
const MAX_ID = 0o7777777
const MAX_OCTAL_11 = 0o77777777777

/** The two zero blocks that end an archive. */
export const END_OF_ARCHIVE: Uint8Array = new Uint8Array(2 * BLOCK)

/**
 * The header of one member: a ustar block, after a pax header where ustar cannot hold the entry (sub-second times, long
 * names, big numbers, xattrs). Bytes depend on the entry alone. Content and padding follow it.
 */
export function encodeHeader(entry: TarEntry): Buffer {
  const plan = planHeader(entry)
  const out = Buffer.alloc(plan.length)
  write(out, 0, entry, plan)
  return out
}

/** Writes the header into `out` at `at`, where there must be room for it, and gives its length. */
export function writeHeader(entry: TarEntry, out: Buffer, at: number): number {
  const plan = planHeader(entry)
  out.fill(0, at, at + plan.length)
  write(out, at, entry, plan)
  return plan.length
}

/** Bytes that `writeHeader` writes. */
export function headerLength(entry: TarEntry): number {
  return planHeader(entry).length
}

interface Plan {
  readonly name: ByteString
  /** Where the name is cut into prefix and name; see `splitName`. */
  readonly split: number
  /** Body of the pax header; '' when there is none. */
  readonly pax: ByteString
  /** Bytes of all blocks. */
  readonly length: number
}

function planHeader(entry: TarEntry): Plan {
  const name = tarName(entry)
  const split = splitName(name)
  const pax = paxRecords(entry, name, split < 0)
  if (pax.length > MAX_PAX) {
    const shown = JSON.stringify(entry.path)
    throw new ShaleError('TAR_UNREPRESENTABLE', `the extended attributes of ${shown} are too large for a tar`)
  }
  return { name, split, pax, length: pax === '' ? BLOCK : BLOCK + pax.length + padding(pax.length) + BLOCK }
}

function write(out: Buffer, at: number, entry: TarEntry, { name, split, pax, length }: Plan): void {
  if (pax !== '') {
    out.set(paxBlock(pax.length), at)
    out.write(pax, at + BLOCK, 'latin1')
  }
  writeUstar(out, at + length - BLOCK, entry, name, split)
}

function tarName(entry: TarEntry): ByteString {
  if (entry.kind !== 'directory') return entry.path
  return entry.path === '' ? './' : `${entry.path}/`
}

/** Where to cut a name into prefix and name: 0 when it needs no prefix, -1 when ustar cannot hold it. */
function splitName(name: ByteString): number {
  if (name.length <= 100) return 0
  const slash = name.lastIndexOf('/', Math.min(155, name.length - 2))
  return slash > 0 && name.length - slash - 1 <= 100 ? slash : -1
}

function paxRecords(entry: TarEntry, name: ByteString, longName: boolean): ByteString {
  let out = ''
  if (longName) out += paxRecord('path', name)
  if (entry.target !== undefined && entry.target.length > 100) out += paxRecord('linkpath', entry.target)
  if (entry.mtimeNs !== 0 || entry.mtime < 0 || entry.mtime > MAX_OCTAL_11) {
    out += paxRecord('mtime', formatPaxTime(entry.mtime, entry.mtimeNs))
  }
  if (entry.uid > MAX_ID) out += paxRecord('uid', String(entry.uid))
  if (entry.gid > MAX_ID) out += paxRecord('gid', String(entry.gid))
  if (contentSize(entry) > MAX_OCTAL_11) out += paxRecord('size', String(entry.size))
  if (entry.xattrs !== undefined) {
    for (const { name: key, value } of entry.xattrs) out += paxRecord(xattrKey(key), value)
  }
  return out
}

function contentSize(entry: TarEntry): number {
  return entry.kind === 'file' ? (entry.size ?? 0) : 0
}

/** Blocks of the usual sizes, for almost every entry has one: of a few dozen bytes with its time. */
const PAX_BLOCKS: (Buffer | undefined)[] = new Array(512).fill(undefined)

/** The header of a pax header of `size` bytes. Its name is for readers that know no pax; GNU tar names others too. */
function paxBlock(size: number): Buffer {
  const known = PAX_BLOCKS[size]
  if (known !== undefined) return known
  const block = Buffer.alloc(BLOCK)
  block.write('PaxHeaders/entry', 'latin1')
  writeNumbers(block, 0, 0o644, 0, 0, size, 0)
  finish(block, 0, PAX_TYPE, { name: 16, link: 0, prefix: 0 })
  if (size < PAX_BLOCKS.length) PAX_BLOCKS[size] = block
  return block
}

function writeUstar(out: Buffer, at: number, entry: TarEntry, name: ByteString, split: number): void {
  const prefix = Math.max(split, 0)
  if (prefix > 0) out.write(name.slice(0, prefix), at + FIELD.prefix[0], 'latin1')
  const rest = prefix > 0 ? name.slice(prefix + 1) : name
  // A name that only pax can hold is cut here; readers of pax never look at it.
  out.write(rest.length > 100 ? rest.slice(0, 100) : rest, at, 'latin1')
  if (entry.target !== undefined) out.write(entry.target.slice(0, 100), at + FIELD.linkname[0], 'latin1')
  writeNumbers(out, at, entry.mode, fit(entry.uid, MAX_ID), fit(entry.gid, MAX_ID), contentSize(entry), entry.mtime)
  if (entry.kind === 'char' || entry.kind === 'block') writeDevice(out, at, entry)
  const link = Math.min(entry.target?.length ?? 0, 100)
  finish(out, at, TYPE_FLAG[entry.kind], { name: Math.min(rest.length, 100), link, prefix })
}

function writeDevice(out: Buffer, at: number, entry: TarEntry): void {
  const { major = 0, minor = 0 } = entry
  if (major > MAX_ID || minor > MAX_ID) {
    throw new ShaleError(
      'TAR_UNREPRESENTABLE',
      `a tar cannot hold device ${major}:${minor} of ${JSON.stringify(entry.path)}`,
    )
  }
  octal(out, at + FIELD.major[0], 7, major)
  octal(out, at + FIELD.minor[0], 7, minor)
}

function writeNumbers(out: Buffer, at: number, mode: number, uid: number, gid: number, size: number, mtime: number) {
  octal(out, at + FIELD.mode[0], 7, mode)
  octal(out, at + FIELD.uid[0], 7, uid)
  octal(out, at + FIELD.gid[0], 7, gid)
  octal(out, at + FIELD.size[0], 11, fit(size, MAX_OCTAL_11))
  octal(out, at + FIELD.mtime[0], 11, fit(mtime, MAX_OCTAL_11))
}

/** Numbers beyond the field are in the pax header; the field then says 0. */
function fit(value: number, max: number): number {
  return value >= 0 && value <= max ? value : 0
}

const TEN_DIGITS = 0x4000_0000

function octal(out: Buffer, at: number, digits: number, value: number): void {
  // Ten digits at a time are 30 bits, which integers hold.
  let rest = value < TEN_DIGITS ? value : value % TEN_DIGITS
  for (let i = at + digits - 1; i >= at; i--) {
    out[i] = 0x30 + (rest & 7)
    rest = i === at + digits - 10 ? Math.floor(value / TEN_DIGITS) : rest >>> 3
  }
}

/** `ustar`, NUL, version 00. */
const MAGIC = [0x75, 0x73, 0x74, 0x61, 0x72, 0, 0x30, 0x30] as const

/** Lengths of the texts of a block, in bytes. */
interface Texts {
  readonly name: number
  readonly link: number
  readonly prefix: number
}

/** Type, magic and checksum of a block that is zero where nothing was written. */
function finish(out: Buffer, at: number, type: number, texts: Texts): void {
  out[at + FIELD.type[0]] = type
  for (let i = 0; i < MAGIC.length; i++) out[at + FIELD.magic[0] + i] = MAGIC[i] as number
  octal(out, at + FIELD.checksum[0], 6, sumOfBlock(out, at, texts))
  out[at + FIELD.checksum[0] + 7] = 0x20
}

const SPACES = 8 * 0x20

/** What `checksum` gives, without reading the zeros that most of a header is. */
function sumOfBlock(out: Buffer, at: number, texts: Texts): number {
  const { mode, checksum, type, linkname, magic, prefix } = FIELD
  return (
    SPACES +
    sumOfBytes(out, at, at + texts.name) +
    sumOfBytes(out, at + mode[0], at + checksum[0]) +
    (out[at + type[0]] as number) +
    sumOfBytes(out, at + linkname[0], at + linkname[0] + texts.link) +
    sumOfBytes(out, at + magic[0], at + magic[0] + magic[1]) +
    sumOfBytes(out, at + FIELD.major[0], at + prefix[0]) +
    sumOfBytes(out, at + prefix[0], at + prefix[0] + texts.prefix)
  )
}

function sumOfBytes(out: Buffer, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += out[i] as number
  return sum
}
