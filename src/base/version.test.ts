import assert from 'node:assert/strict'
import test from 'node:test'
import { compareVersions } from './version.ts'

/** Each list from old to new. */
const ORDERED = [
  ['1.0~~', '1.0~~a', '1.0~', '1.0', '1.0+b1', '1.0.1'],
  ['1.0-1~bpo12+1', '1.0-1', '1.0-1+deb12u1', '1.0-2', '1.0-10'],
  ['9.9', '1:0.1', '1:1.0-1', '2:0'],
  ['1.2a', '1.2b', '1.2+', '1.2.'],
  ['20250419', '20250419+deb13u1', '20250420'],
  ['1.9', '1.10', '1.010.1', '1.10.2'],
]

for (const versions of ORDERED) {
  test(`${versions.join(' < ')}`, () => {
    for (const [i, one] of versions.entries()) {
      for (const [j, other] of versions.entries()) {
        assert.equal(Math.sign(compareVersions(one, other)), Math.sign(i - j), `${one} and ${other}`)
      }
    }
  })
}

test('versions that are written differently may be the same', () => {
  for (const [a, b] of [
    ['1.0', '1.0-0'],
    ['0:1.0', '1.0'],
    ['1.01', '1.1'],
  ] as const) {
    assert.equal(compareVersions(a, b), 0, `${a} and ${b}`)
  }
})
