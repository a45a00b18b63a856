import assert from 'node:assert/strict'
import { test } from 'node:test'
import { humanSize, parseBytes } from './size.ts'

const SIZES: readonly (readonly [number, string])[] = [
  [0, '0B'],
  [1, '1B'],
  [999, '999B'],
  [1000, '1kB'],
  [1234, '1.23kB'],
  [12_345, '12.3kB'],
  [123_456, '123kB'],
  [999_499, '999kB'],
  [999_500, '1MB'],
  [1_500_000, '1.5MB'],
  [117_900_000, '118MB'],
  [5_120_000_000, '5.12GB'],
  [2e15, '2PB'],
]

for (const [bytes, text] of SIZES) test(`${bytes} bytes are ${text}`, () => assert.equal(humanSize(bytes), text))

const WRITTEN: readonly (readonly [string, number])[] = [
  ['0', 0],
  ['512', 512],
  ['512b', 512],
  ['1k', 1024],
  ['1kB', 1024],
  ['1KiB', 1024],
  ['1.5g', 1.5 * 1024 ** 3],
  ['10 GB', 10 * 1024 ** 3],
]

for (const [text, bytes] of WRITTEN) test(`${text} is ${bytes} bytes`, () => assert.equal(parseBytes(text), bytes))

for (const text of ['', 'x', '-1', '1x', '1.2.3', 'GB']) {
  test(`${JSON.stringify(text)} is no size`, () => assert.throws(() => parseBytes(text), { code: 'INVALID_SIZE' }))
}
