import { ShaleError } from '../error.ts'
import { BLOCK, type ByteString, checksum, FIELD } from './header.ts'

/** Names the member and its place, for a message. */
export type Where = () => string

/** The fields of one header block as they stand, before pax and GNU extensions are applied. */
export interface RawHeader {
  readonly name: ByteString
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: number
  /** Type flag: '0' file, '1' hard link, … */
  readonly type: string
  readonly linkname: ByteString
  readonly major: number
  readonly minor: number
  readonly gnu: boolean
}

const SPACE = 0x20
const NUL = 0

export function isZeroBlock(block: Buffer): boolean {
  for (let i = 0; i < BLOCK; i++) if (block[i] !== 0) return false
  return true
}

/** Throws `TAR_HEADER_INVALID` for a wrong checksum or a number that is none. */
export function parseBlock(block: Buffer, where: Where): RawHeader {
  verifyChecksum(block, where)
  const magic = block.toString('latin1', 257, 265)
  const posix = magic.startsWith('ustar\0')
  const gnu = magic.startsWith('ustar ')
  const prefix = posix ? cstring(block, FIELD.prefix) : ''
  const name = cstring(block, FIELD.name)
  const type = String.fromCharCode(block[FIELD.type[0]] as number)
  const device = type === '3' || type === '4'
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: number(block, FIELD.mode, 'mode', where) & 0o7777,
    uid: number(block, FIELD.uid, 'uid', where),
    gid: number(block, FIELD.gid, 'gid', where),
    size: number(block, FIELD.size, 'size', where),
    mtime: number(block, FIELD.mtime, 'mtime', where),
    type: type === '\0' ? '0' : type,
    linkname: cstring(block, FIELD.linkname),
    major: device && (posix || gnu) ? number(block, FIELD.major, 'device', where) : 0,
    minor: device && (posix || gnu) ? number(block, FIELD.minor, 'device', where) : 0,
    gnu,
  }
}

function verifyChecksum(block: Buffer, where: Where): void {
  const stored = number(block, FIELD.checksum, 'checksum', where)
  if (stored === checksum(block)) return
  // Very old writers summed signed characters.
  let signed = checksum(block)
  for (let i = 0; i < BLOCK; i++) if ((i < 148 || i >= 156) && (block[i] as number) >= 0x80) signed -= 256
  if (stored !== signed) {
    throw new ShaleError('TAR_HEADER_INVALID', `${where()}: the header's checksum is wrong`, {
      hint: 'the archive is damaged, or no tar',
    })
  }
}

function cstring(block: Buffer, [start, length]: readonly [number, number]): ByteString {
  let end = start
  while (end < start + length && block[end] !== NUL) end++
  return block.toString('latin1', start, end)
}

/** Octal digits between spaces and NULs, or GNU's base 256, which the field's first bit announces. */
export function number(block: Buffer, [start, length]: readonly [number, number], field: string, where: Where): number {
  const first = block[start] as number
  if (first >= 0x80) return base256(block, start, length, field, where)
  let at = start
  const end = start + length
  while (at < end && block[at] === SPACE) at++
  let value = 0
  while (at < end && (block[at] as number) >= 0x30 && (block[at] as number) <= 0x37)
    value = value * 8 + (block[at++] as number) - 0x30
  if (at < end && block[at] !== SPACE && block[at] !== NUL) throw bad(field, where)
  return value
}

function base256(block: Buffer, start: number, length: number, field: string, where: Where): number {
  const negative = ((block[start] as number) & 0x40) !== 0
  let value = (block[start] as number) & 0x3f
  if (negative) value -= 0x40
  for (let i = start + 1; i < start + length; i++) value = value * 256 + (block[i] as number)
  if (!Number.isSafeInteger(value)) throw bad(field, where)
  return value
}

function bad(field: string, where: Where): ShaleError {
  return new ShaleError('TAR_HEADER_INVALID', `${where()}: the header's ${field} is no number that a tar can hold`)
}

/** The name field alone, for messages about a block that is otherwise unreadable. */
export function rawName(block: Buffer): ByteString {
  return cstring(block, FIELD.name)
}

/** The whole size of an old GNU sparse file. */
export function realSize(block: Buffer, where: Where): number {
  return number(block, [483, 12], 'real size', where)
}
