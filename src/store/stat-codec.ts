import { crc32 } from 'node:zlib'
import type { FileStat } from './types.ts'

export interface StatEntry {
  readonly stat: FileStat
  /** sha256 in hex. */
  readonly digest: string
}

/*
 * The file, little-endian as all machines that we run on:
 *   magic u32, crc32 u32 of all that follows, count u32, bytes of the names u32,
 *   count * 6 u64: dev, ino, size, mode, mtime, ctime (one entry after the other),
 *   count * 32 bytes: digests,
 *   names in UTF-8, each ended by NUL.
 */
const MAGIC = 0x31495353
const HEAD_BYTES = 16
const FIELDS = 6
const DIGEST_BYTES = 32

export function encodeStatIndex(entries: ReadonlyMap<string, StatEntry>): Buffer {
  const count = entries.size
  const numbers = new BigInt64Array(count * FIELDS)
  const digests: string[] = []
  const names: string[] = []
  let at = 0
  for (const [name, { stat, digest }] of entries) {
    numbers[at] = stat.dev
    numbers[at + 1] = stat.ino
    numbers[at + 2] = stat.size
    numbers[at + 3] = stat.mode
    numbers[at + 4] = stat.mtimeNs
    numbers[at + 5] = stat.ctimeNs
    at += FIELDS
    digests.push(digest)
    names.push(name)
  }
  const nameBytes = Buffer.from(count === 0 ? '' : `${names.join('\0')}\0`)
  const head = Buffer.alloc(HEAD_BYTES)
  const bytes = Buffer.concat([head, Buffer.from(numbers.buffer), Buffer.from(digests.join(''), 'hex'), nameBytes])
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(count, 8)
  bytes.writeUInt32LE(nameBytes.length, 12)
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
  return bytes
}

/** Undefined when the bytes are not a whole index of this version. */
export function decodeStatIndex(bytes: Buffer): Map<string, StatEntry> | undefined {
  if (bytes.length < HEAD_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined
  const count = bytes.readUInt32LE(8)
  const nameLength = bytes.readUInt32LE(12)
  const digestsAt = HEAD_BYTES + count * FIELDS * 8
  const namesAt = digestsAt + count * DIGEST_BYTES
  if (bytes.length !== namesAt + nameLength || crc32(bytes.subarray(8)) !== bytes.readUInt32LE(4)) return undefined
  const numbers = alignedNumbers(bytes.subarray(HEAD_BYTES, digestsAt))
  const hex = bytes.toString('hex', digestsAt, namesAt)
  const names = bytes.toString('utf8', namesAt).split('\0')
  const entries = new Map<string, StatEntry>()
  for (let i = 0; i < count; i++) {
    const digest = hex.slice(i * DIGEST_BYTES * 2, (i + 1) * DIGEST_BYTES * 2)
    entries.set(names[i] ?? '', { stat: new PackedStat(numbers, i * FIELDS), digest })
  }
  return entries
}

/** Reads its fields where they lie: most entries of a large index are compared once, and many never. */
class PackedStat implements FileStat {
  readonly #numbers: BigInt64Array
  readonly #at: number

  constructor(numbers: BigInt64Array, at: number) {
    this.#numbers = numbers
    this.#at = at
  }

  get dev(): bigint {
    return BigInt.asUintN(64, this.#field(0))
  }

  get ino(): bigint {
    return BigInt.asUintN(64, this.#field(1))
  }

  get size(): bigint {
    return this.#field(2)
  }

  get mode(): bigint {
    return this.#field(3)
  }

  get mtimeNs(): bigint {
    return this.#field(4)
  }

  get ctimeNs(): bigint {
    return this.#field(5)
  }

  #field(index: number): bigint {
    return this.#numbers[this.#at + index] as bigint
  }
}

function alignedNumbers(bytes: Buffer): BigInt64Array {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : Buffer.from(Uint8Array.from(bytes).buffer)
  return new BigInt64Array(aligned.buffer, aligned.byteOffset, aligned.length / 8)
}
