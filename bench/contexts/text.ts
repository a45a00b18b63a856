import { Random } from '../../test/build/generated.ts'

const LETTERS = 'etaoinsrhldcumfpgwybvk'
const MARKS = [' ', ' ', ' ', ' ', '.', '(', ');\n', ', ', ' = ', '\n  ', '\n    ', ' {\n', '}\n', "'", ': ', '.']

/** How far back a phrase comes from, and how often (of a hundred) one does. */
const HISTORY = 2_048
const REPEATED = 22

/**
 * Bytes like those of program text, the same for one seed: 20,000 made-up words, the frequent ones much more frequent
 * (Zipf), between the marks of a program, with phrases that come again soon. zstd level 1 makes them about four times
 * smaller, as it does JavaScript packages.
 */
export function programText(bytes: number, seed: number): Buffer {
  const random = new Random(seed)
  const words = Array.from({ length: 20_000 }, () => word(random))
  const text = Buffer.allocUnsafe(bytes)
  let at = 0
  while (at < bytes) {
    if (at > HISTORY && random.chance(REPEATED)) {
      const from = at - HISTORY + random.below(HISTORY / 2)
      at += text.copy(text, at, from, from + 20 + random.below(180))
      continue
    }
    // The product of two even draws falls off as word frequencies do.
    const rank = Math.floor((random.below(65_536) * random.below(65_536) * words.length) / 2 ** 32 / 3)
    at += text.write(`${words[rank]}${random.pick(MARKS)}`, at, 'latin1')
  }
  return text
}

function word(random: Random): string {
  const length = 2 + random.below(9)
  return Array.from({ length }, () => LETTERS[Math.floor((random.below(22) * random.below(22)) / 22)]).join('')
}

/** Bytes that no compressor makes smaller, the same for one seed. */
export function noise(bytes: number, seed: number): Buffer {
  const random = new Random(seed)
  const block = Buffer.allocUnsafe(bytes)
  const words = new Int32Array(block.buffer, block.byteOffset, bytes >> 2)
  for (let i = 0; i < words.length; i++) words[i] = random.below(2 ** 32)
  return block
}
