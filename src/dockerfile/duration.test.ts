import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration } from './duration.ts'

const CASES: readonly (readonly [string, number | undefined])[] = [
  ['0', 0],
  ['30s', 30e9],
  ['1m30s', 90e9],
  ['1.5h', 5400e9],
  ['.5s', 5e8],
  ['100ms', 1e8],
  ['3us', 3000],
  ['3µs', 3000],
  ['1h2m3s4ms5us6ns', 3_723_004_005_006],
  ['-1s', -1e9],
  ['5', undefined],
  ['', undefined],
  ['1d', undefined],
  ['s', undefined],
]

for (const [text, nanoseconds] of CASES) {
  test(`duration ${text || '(empty)'}`, () => assert.equal(parseDuration(text), nanoseconds))
}

const PRINTED: readonly (readonly [number, string])[] = [
  [0, '0s'],
  [7, '7ns'],
  [1500, '1.5µs'],
  [1e8, '100ms'],
  [15e8, '1.5s'],
  [10e9, '10s'],
  [120e9, '2m0s'],
  [3_723e9, '1h2m3s'],
]

for (const [nanoseconds, text] of PRINTED) {
  test(`${nanoseconds} ns is ${text}`, () => assert.equal(formatDuration(nanoseconds), text))
}
