import type { Random } from '../build/generated.ts'

/** Longest input, in bytes: long enough for several tar members, short enough to be quick. */
export const MAX_INPUT = 16 * 1024

/** A corpus member at random. */
export type Pick = () => Buffer

const NUMBERS = [
  '0',
  '-1',
  '1e99',
  '2147483648',
  '4294967296',
  '9007199254740993',
  '18446744073709551616',
  '00000000000',
]

type Mutator = (bytes: Buffer, random: Random, words: readonly string[], pick: Pick) => Buffer

const MUTATORS: readonly Mutator[] = [
  function flipBit(bytes, random) {
    const out = Buffer.from(bytes)
    const at = random.below(out.length)
    out[at] = (out[at] as number) ^ (1 << random.below(8))
    return out
  },
  function setByte(bytes, random) {
    const out = Buffer.from(bytes)
    out[random.below(out.length)] = random.pick([0, 0x20, 0x0a, 0x7f, 0x80, 0xff, random.below(256)])
    return out
  },
  function insertBytes(bytes, random) {
    return splice(bytes, random.below(bytes.length + 1), 0, Buffer.alloc(1 + random.below(8), random.below(256)))
  },
  function removeStretch(bytes, random) {
    return splice(bytes, random.below(bytes.length), 1 + random.below(16), Buffer.alloc(0))
  },
  function insertWord(bytes, random, words) {
    return splice(bytes, random.below(bytes.length + 1), 0, Buffer.from(random.pick(words)))
  },
  function overwriteWithWord(bytes, random, words) {
    const word = Buffer.from(random.pick(words))
    return splice(bytes, random.below(bytes.length), word.length, word)
  },
  function insertNumber(bytes, random) {
    return splice(bytes, random.below(bytes.length + 1), random.below(3), Buffer.from(random.pick(NUMBERS)))
  },
  function repeatStretch(bytes, random) {
    const at = random.below(bytes.length)
    const stretch = bytes.subarray(at, at + 1 + random.below(32))
    const times = random.pick([2, 3, 16, 300])
    return splice(bytes, at, 0, Buffer.concat(Array.from({ length: times }, () => stretch)))
  },
  function copyStretch(bytes, random) {
    const from = random.below(bytes.length)
    const stretch = bytes.subarray(from, from + 1 + random.below(64))
    return splice(bytes, random.below(bytes.length + 1), random.below(2) * stretch.length, stretch)
  },
  function cross(bytes, random, _, pick) {
    const other = pick()
    return Buffer.concat([
      bytes.subarray(0, random.below(bytes.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ])
  },
  function insertOther(bytes, random, _, pick) {
    const other = pick()
    const from = random.below(other.length + 1)
    return splice(bytes, random.below(bytes.length + 1), 0, other.subarray(from, from + random.below(512)))
  },
]

function splice(bytes: Buffer, at: number, remove: number, insert: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)])
}

/** A few random changes to an input; `words` are the pieces that the target's language is made of. */
export function mutate(bytes: Buffer, random: Random, words: readonly string[], pick: Pick): Buffer {
  let out = bytes
  for (let times = 1 << random.below(4); times > 0; times--) {
    if (out.length === 0) out = Buffer.from(random.pick(words))
    out = random.pick(MUTATORS)(out, random, words, pick)
  }
  return out.subarray(0, MAX_INPUT)
}
