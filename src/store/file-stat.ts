import type { BigIntStats } from 'node:fs'

/** How many 32-bit words a stat has. */
export const STAT_WORDS = 16

/** Where the words are; a number of 64 bits has its lower half first. */
const WORD = {
  mode: 0,
  links: 1,
  ino: 2,
  size: 4,
  mtime: 6,
  mtimeNs: 8,
  ctime: 9,
  ctimeNs: 11,
  dev: 12,
  rdev: 14,
} as const

const TWO_32 = 0x1_0000_0000

/**
 * What stat says of a file and a change of the file would change, as words in some larger array: a context of 100,000
 * files is one array, and most stats are only ever compared.
 */
export class FileStat {
  readonly #words: Uint32Array
  readonly #at: number

  constructor(words: Uint32Array, at = 0) {
    this.#words = words
    this.#at = at
  }

  static of(stat: BigIntStats): FileStat {
    const words = new Uint32Array(STAT_WORDS)
    writeStat(words, 0, stat)
    return new FileStat(words)
  }

  /** The kind of file: the high bits of its mode, `constants.S_IFMT` of node:fs. */
  get type(): number {
    return this.#word(WORD.mode) & 0o170000
  }

  get permissions(): number {
    return this.#word(WORD.mode) & 0o7777
  }

  get links(): number {
    return this.#word(WORD.links)
  }

  /** Bytes. */
  get size(): number {
    return this.#long(WORD.size)
  }

  /** Whole seconds since 1970, may be negative. */
  get mtime(): number {
    return this.#signed(WORD.mtime)
  }

  get mtimeNs(): number {
    return this.#word(WORD.mtimeNs)
  }

  get ctime(): number {
    return this.#signed(WORD.ctime)
  }

  get ctimeNs(): number {
    return this.#word(WORD.ctimeNs)
  }

  /** Names the file among all of the machine: names that share it have the same. */
  get inode(): string {
    const { dev, ino } = WORD
    return [dev, dev + 1, ino + 1, ino].map(index => this.#word(index)).join(':')
  }

  /** Of a device node. */
  get device(): { readonly major: number; readonly minor: number } {
    return { major: this.#word(WORD.rdev), minor: this.#word(WORD.rdev + 1) }
  }

  /** True when the two are of the same file in the same state. */
  equals(other: FileStat): boolean {
    return other.equalsAt(this.#words, this.#at)
  }

  equalsAt(words: Uint32Array, at: number): boolean {
    for (let i = 0; i < STAT_WORDS; i++) if (this.#words[this.#at + i] !== words[at + i]) return false
    return true
  }

  /** Differs for all that are not equal. */
  toString(): string {
    return this.#words.subarray(this.#at, this.#at + STAT_WORDS).join(' ')
  }

  copyTo(words: Uint32Array, at: number): void {
    for (let i = 0; i < STAT_WORDS; i++) words[at + i] = this.#word(i)
  }

  #word(index: number): number {
    return this.#words[this.#at + index] as number
  }

  #long(index: number): number {
    return this.#word(index + 1) * TWO_32 + this.#word(index)
  }

  #signed(index: number): number {
    return (this.#word(index + 1) | 0) * TWO_32 + this.#word(index)
  }
}

export function writeStat(words: Uint32Array, at: number, stat: BigIntStats): void {
  words[at + WORD.mode] = Number(stat.mode)
  words[at + WORD.links] = Number(stat.nlink)
  writeLong(words, at + WORD.ino, stat.ino)
  writeLong(words, at + WORD.size, stat.size)
  writeTime(words, at + WORD.mtime, stat.mtimeNs)
  writeTime(words, at + WORD.ctime, stat.ctimeNs)
  writeDevice(words, at + WORD.dev, stat.dev)
  writeDevice(words, at + WORD.rdev, stat.rdev)
}

/**
 * The same from what the kernel's statx writes (256 bytes as words).
 *
 * @see https://man7.org/linux/man-pages/man2/statx.2.html
 */
export function writeStatx(words: Uint32Array, at: number, statx: Uint32Array): void {
  words[at] = (statx[7] as number) & 0xffff
  words[at + 1] = statx[4] as number
  words[at + 2] = statx[8] as number
  words[at + 3] = statx[9] as number
  words[at + 4] = statx[10] as number
  words[at + 5] = statx[11] as number
  words[at + 6] = statx[28] as number
  words[at + 7] = statx[29] as number
  words[at + 8] = statx[30] as number
  words[at + 9] = statx[24] as number
  words[at + 10] = statx[25] as number
  words[at + 11] = statx[26] as number
  words[at + 12] = statx[34] as number
  words[at + 13] = statx[35] as number
  words[at + 14] = statx[32] as number
  words[at + 15] = statx[33] as number
}

function writeLong(words: Uint32Array, at: number, value: bigint): void {
  words[at] = Number(BigInt.asUintN(32, value))
  words[at + 1] = Number(BigInt.asUintN(32, value >> 32n))
}

/** Seconds rounded down, so that a time before 1970 has nanoseconds that count upwards too. */
function writeTime(words: Uint32Array, at: number, ns: bigint): void {
  const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  writeLong(words, at, (ns - rest) / 1_000_000_000n)
  words[at + 2] = Number(rest)
}

/** Source: glibc's sys/sysmacros.h, as the kernel's huge device encoding. */
function writeDevice(words: Uint32Array, at: number, device: bigint): void {
  words[at] = Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n))
  words[at + 1] = Number((device & 0xffn) | ((device >> 12n) & 0xffff_ff00n))
}
