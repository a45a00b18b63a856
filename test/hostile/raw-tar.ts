import { checksum, padding } from '../../src/tar/header.ts'

export interface RawMember {
  readonly name: string
  /** Type flag; a file if absent. */
  readonly type?: string
  readonly link?: string
  readonly content?: string | Uint8Array
  /** The size field as it is to stand there, true or not. */
  readonly size?: string | Buffer
  readonly major?: number
  readonly minor?: number
  /** Changes the finished header, after its checksum. */
  readonly spoil?: (header: Buffer) => void
}

/** One member, its header as wrong as one likes. */
export function rawMember(member: RawMember): Buffer {
  const content = Buffer.from(member.content ?? '')
  const header = Buffer.alloc(512)
  header.write(member.name, 0, 100, 'latin1')
  header.write('0000755\x000000000\x000000000\x00', 100)
  const size = member.size ?? `${content.length.toString(8).padStart(11, '0')}\0`
  if (typeof size === 'string') header.write(size, 124)
  else size.copy(header, 124)
  header.write('14524770400\0', 136)
  header.write(member.type ?? '0', 156)
  header.write(member.link ?? '', 157, 100, 'latin1')
  header.write('ustar\x0000', 257)
  header.write(`${(member.major ?? 0).toString(8).padStart(7, '0')}\0`, 329)
  header.write(`${(member.minor ?? 0).toString(8).padStart(7, '0')}\0`, 337)
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, 148)
  member.spoil?.(header)
  return Buffer.concat([header, content, Buffer.alloc(padding(content.length))])
}

/** Members and the blocks that end an archive. */
export function rawTar(...members: readonly RawMember[]): Buffer {
  return Buffer.concat([...members.map(rawMember), Buffer.alloc(1024)])
}

/** A pax header before the next member. */
export function pax(records: Readonly<Record<string, string>>): RawMember {
  return { name: 'PaxHeaders/x', type: 'x', content: Object.entries(records).map(paxRecord).join('') }
}

function paxRecord([key, value]: readonly [string, string]): string {
  const rest = ` ${key}=${value}\n`
  const length = rest.length + String(rest.length).length
  return `${String(length).length + rest.length}${rest}`
}
