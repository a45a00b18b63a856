import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPaxTime, parsePax, parsePaxTime, paxRecord, paxXattr, xattrKey } from './pax.ts'

const where = () => 'here'

test('a record counts its own length, also where that adds a digit', () => {
  assert.equal(paxRecord('path', 'a'), '9 path=a\n')
  for (let length = 0; length < 1100; length++) {
    const record = paxRecord('k', 'v'.repeat(length))
    assert.equal(Number(record.slice(0, record.indexOf(' '))), record.length)
    assert.deepEqual(parsePax(record, where), [['k', 'v'.repeat(length)]])
  }
})

test('records hold any byte, newlines and equals signs included, and may be followed by NULs', () => {
  const body = `${paxRecord('SCHILY.xattr.user.a', 'x=\n\0\xff')}${paxRecord('path', 'b')}\0\0`
  assert.deepEqual(parsePax(body, where), [
    ['SCHILY.xattr.user.a', 'x=\n\0\xff'],
    ['path', 'b'],
  ])
})

for (const [name, body] of [
  ['no length', 'path=a\n'],
  ['a length of zero', '0 path=a\n'],
  ['a length beyond the body', '99 path=a\n'],
  ['a length that ends in the middle', '8 path=aaaaa\n'],
  ['a length before the value', '3 path=a\n'],
  ['no equals sign', '7 path\n'],
  ['a negative length', '-10 path=a\n'],
  ['a huge length', '99999999999999999999 path=a\n'],
] as const) {
  test(`refuses a record with ${name}`, () => {
    assert.throws(() => parsePax(body, where), { code: 'TAR_PAX_INVALID' })
  })
}

test('times: negative ones count back, digits beyond nanoseconds are cut', () => {
  const table: readonly (readonly [string, number, number])[] = [
    ['0', 0, 0],
    ['1.5', 1, 500_000_000],
    ['1.000000001', 1, 1],
    ['1.9999999999', 1, 999_999_999],
    ['-1', -1, 0],
    ['-1.25', -2, 750_000_000],
    ['-0.75', -1, 250_000_000],
    ['12345678901.', 12345678901, 0],
  ]
  for (const [text, seconds, ns] of table) assert.deepEqual(parsePaxTime(text), { seconds, ns }, text)
  for (const text of ['', '-', '1e3', '0x1', '1.2.3', ' 1', 'NaN', '9'.repeat(16)]) {
    assert.equal(parsePaxTime(text), undefined, text)
  }
})

test('times are written so that they read back', () => {
  for (const [seconds, ns] of [
    [0, 0],
    [5, 1],
    [-1, 250_000_000],
    [-2, 750_000_000],
    [-3, 0],
    [1e10, 999_999_999],
  ] as const) {
    assert.deepEqual(parsePaxTime(formatPaxTime(seconds, ns)), { seconds, ns })
  }
  assert.equal(formatPaxTime(-2, 750_000_000), '-1.25')
})

test('extended attributes of both spellings', () => {
  assert.deepEqual(paxXattr('SCHILY.xattr.user.a', '\xff'), { name: 'user.a', value: '\xff' })
  assert.deepEqual(paxXattr('LIBARCHIVE.xattr.user.a%20b', 'AP8='), { name: 'user.a b', value: '\0\xff' })
  assert.deepEqual(paxXattr(xattrKey('user.a=b%'), ''), { name: 'user.a=b%', value: '' })
  assert.equal(paxXattr('path', 'a'), undefined)
})
