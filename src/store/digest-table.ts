import { crc32 } from 'node:zlib'
import { type FileStat, STAT_WORDS } from './file-stat.ts'

/** A file that was read, to be found again. */
export interface ReadFile {
  readonly stat: FileStat
  /** sha256 in hex. */
  readonly digest: string
}

/*
 * The file, little-endian as all machines that we run on:
 *   magic u32, crc32 u32 of all that follows, count u32, 0 u32,
 *   count * 20 u32: hash of the path (2), how many savings ago it was last seen, 0, stat (16, see file-stat.ts),
 *   count * 32 bytes: digests.
 * A path's hash stands for the path: two paths that share it would have to share the inode and its times as well to be
 * taken for each other, and then they are one file.
 */
const MAGIC = 0x32495353
const HEAD_WORDS = 4
const ROW_WORDS = 4 + STAT_WORDS
const AGE = 2
const STAT = 4
const DIGEST_BYTES = 32

/** A file that this many savings in a row have not seen is taken for deleted. */
const MAX_AGE = 8

const NO_ROW = -1

/** Digests of files by path and stat. */
export class DigestTable {
  static readonly EMPTY = new DigestTable(0, new Uint32Array(0), Buffer.alloc(0))

  readonly count: number
  readonly #rows: Uint32Array
  readonly #digests: Buffer
  /** All digests in one string, so that each is a part of it and no string of its own. */
  #hex: string | undefined
  /** Rows by the path's hash, open addressing; 0 is free, else the row plus 1. */
  #slots: Int32Array | undefined

  private constructor(count: number, rows: Uint32Array, digests: Buffer) {
    this.count = count
    this.#rows = rows
    this.#digests = digests
  }

  /** Undefined when the bytes are not a whole table of this version. */
  static decode(bytes: Buffer): DigestTable | undefined {
    if (bytes.length < HEAD_WORDS * 4 || bytes.readUInt32LE(0) !== MAGIC) return undefined
    const count = bytes.readUInt32LE(8)
    const digestsAt = (HEAD_WORDS + count * ROW_WORDS) * 4
    if (bytes.length !== digestsAt + count * DIGEST_BYTES) return undefined
    if (crc32(bytes.subarray(8)) !== bytes.readUInt32LE(4)) return undefined
    return new DigestTable(count, alignedWords(bytes.subarray(HEAD_WORDS * 4, digestsAt)), bytes.subarray(digestsAt))
  }

  encode(): Buffer {
    const head = Buffer.alloc(HEAD_WORDS * 4)
    const { buffer, byteOffset, byteLength } = this.#rows
    const bytes = Buffer.concat([head, Buffer.from(buffer, byteOffset, byteLength), this.#digests])
    bytes.writeUInt32LE(MAGIC, 0)
    bytes.writeUInt32LE(this.count, 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
    return bytes
  }

  /** The row of the file of this path and stat; negative when there is none. */
  find(path: string, stat: FileStat): number {
    const row = this.#find(path)
    return row >= 0 && stat.equalsAt(this.#rows, row * ROW_WORDS + STAT) ? row : NO_ROW
  }

  digest(row: number): string {
    this.#hex ??= this.#digests.toString('hex')
    return this.#hex.slice(row * DIGEST_BYTES * 2, (row + 1) * DIGEST_BYTES * 2)
  }

  /** The table after a build that found the rows whose `seen` is 1 and read the files in `read`, which are byte strings. */
  next(seen: Uint8Array, read: ReadonlyMap<string, ReadFile>): DigestTable {
    const replaced = new Set([...read.keys()].map(path => this.#find(path)))
    const kept: number[] = []
    for (let row = 0; row < this.count; row++) {
      const old = (this.#rows[row * ROW_WORDS + AGE] as number) + 1 >= MAX_AGE
      if (!replaced.has(row) && (seen[row] === 1 || !old)) kept.push(row)
    }
    const count = kept.length + read.size
    const rows = new Uint32Array(count * ROW_WORDS)
    const digests = Buffer.alloc(count * DIGEST_BYTES)
    let to = 0
    for (const row of kept) {
      const at = row * ROW_WORDS
      rows.set(this.#rows.subarray(at, at + ROW_WORDS), to * ROW_WORDS)
      rows[to * ROW_WORDS + AGE] = seen[row] === 1 ? 0 : (this.#rows[at + AGE] as number) + 1
      this.#digests.copy(digests, to++ * DIGEST_BYTES, row * DIGEST_BYTES, (row + 1) * DIGEST_BYTES)
    }
    for (const [path, { stat, digest }] of read) {
      const [low, high] = hashOf(path)
      rows[to * ROW_WORDS] = low
      rows[to * ROW_WORDS + 1] = high
      stat.copyTo(rows, to * ROW_WORDS + STAT)
      digests.write(digest, to++ * DIGEST_BYTES, 'hex')
    }
    return new DigestTable(count, rows, digests)
  }

  #find(path: string): number {
    this.#slots ??= this.#index()
    const [low, high] = hashOf(path)
    const mask = this.#slots.length - 1
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const row = (this.#slots[slot] as number) - 1
      if (row < 0) return NO_ROW
      if (this.#rows[row * ROW_WORDS] === low && this.#rows[row * ROW_WORDS + 1] === high) return row
    }
  }

  #index(): Int32Array {
    const slots = new Int32Array(2 ** Math.ceil(Math.log2(this.count * 2 + 2)))
    const mask = slots.length - 1
    for (let row = 0; row < this.count; row++) {
      let slot = (this.#rows[row * ROW_WORDS] as number) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = row + 1
    }
    return slots
  }
}

/** Two runs of FNV-1a from different starts, the second over the characters' sum with their place. */
function hashOf(path: string): readonly [low: number, high: number] {
  let low = 0x811c9dc5
  let high = 0x9747b28c
  for (let i = 0; i < path.length; i++) {
    const byte = path.charCodeAt(i)
    low = Math.imul(low ^ byte, 0x01000193)
    high = Math.imul(high ^ (byte + i), 0x5bd1e995)
  }
  return [(low ^ (low >>> 15)) >>> 0, (high ^ (high >>> 13)) >>> 0]
}

function alignedWords(bytes: Buffer): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Buffer.from(Uint8Array.from(bytes).buffer)
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
}
