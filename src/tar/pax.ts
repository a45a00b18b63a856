import { ShaleError } from '../error.ts'
import type { Where } from './block.ts'
import type { ByteString, TarXattr } from './header.ts'

/** Key and value pairs in the archive's order; old GNU sparse maps repeat keys. */
export type PaxRecords = readonly (readonly [key: ByteString, value: ByteString])[]

const SCHILY_XATTR = 'SCHILY.xattr.'
const LIBARCHIVE_XATTR = 'LIBARCHIVE.xattr.'

/** One record `length key=value\n`, where the length counts itself. Source: POSIX.1-2017, pax, "pax Extended Header". */
export function paxRecord(key: ByteString, value: ByteString): ByteString {
  const rest = key.length + value.length + 3
  let digits = String(rest).length
  while (String(rest + digits).length > digits) digits++
  return `${rest + digits} ${key}=${value}\n`
}

/** The key of an extended attribute; `=` and `%` are escaped as GNU tar does, since a key ends at its first `=`. */
export function xattrKey(name: string): ByteString {
  return SCHILY_XATTR + (/[%=]/.test(name) ? name.replaceAll('%', '%25').replaceAll('=', '%3D') : name)
}

/** Parses the body of a pax header. Throws `TAR_PAX_INVALID`. */
export function parsePax(body: ByteString, where: Where): PaxRecords {
  const records: [ByteString, ByteString][] = []
  let at = 0
  // Some writers fill the rest of the body with NULs.
  while (at < body.length && body.charCodeAt(at) !== 0) {
    const space = body.indexOf(' ', at)
    // No space means no length: not going on from here is what keeps this loop finite.
    const length = space < 0 || space - at > 8 ? Number.NaN : Number(body.slice(at, space))
    const end = at + length
    const equals = body.indexOf('=', space)
    if (!Number.isInteger(length) || end <= space + 2 || end > body.length || equals < 0 || equals >= end) {
      throw invalid(where, `malformed record at byte ${at}`)
    }
    if (body.charCodeAt(end - 1) !== 0x0a) throw invalid(where, `record at byte ${at} does not end in a newline`)
    records.push([body.slice(space + 1, equals), body.slice(equals + 1, end - 1)])
    at = end
  }
  return records
}

function invalid(where: Where, why: string): ShaleError {
  return new ShaleError('TAR_PAX_INVALID', `${where()}: invalid pax header: ${why}`)
}

/** A record's extended attribute, or undefined when the record is none. */
export function paxXattr(key: ByteString, value: ByteString): TarXattr | undefined {
  if (key.startsWith(SCHILY_XATTR)) {
    const name = key.slice(SCHILY_XATTR.length).replaceAll('%3D', '=').replaceAll('%25', '%')
    return name === '' ? undefined : { name, value }
  }
  if (!key.startsWith(LIBARCHIVE_XATTR)) return undefined
  const name = key
    .slice(LIBARCHIVE_XATTR.length)
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return name === '' ? undefined : { name, value: Buffer.from(value, 'base64').toString('latin1') }
}

export interface PaxTime {
  readonly seconds: number
  readonly ns: number
}

/** A decimal time, digits beyond nanoseconds cut off toward the past; undefined when it is not a number. */
export function parsePaxTime(text: string): PaxTime | undefined {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text)
  if (match === null) return undefined
  const whole = Number(match[2])
  const fraction = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'))
  if (match[1] === '') return { seconds: whole, ns: fraction }
  return fraction === 0 ? { seconds: -whole + 0, ns: 0 } : { seconds: -whole - 1, ns: 1e9 - fraction }
}

/** The shortest decimal of a time. */
export function formatPaxTime(seconds: number, ns: number): string {
  if (ns === 0) return String(seconds)
  if (seconds >= 0) return `${seconds}.${fraction(ns)}`
  return `-${-(seconds + 1)}.${fraction(1e9 - ns)}`
}

function fraction(ns: number): string {
  return String(ns).padStart(9, '0').replace(/0+$/, '')
}
