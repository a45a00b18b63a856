import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatOne, formatRows } from './format.ts'

const LISTING = { type: 'row', headings: { Name: 'NAME', Size: 'SIZE' } }
const ROWS = [
  { Size: '1MB', Name: 'a' },
  { Size: '2MB', Name: 'b' },
]

const CASES: readonly (readonly [string, string])[] = [
  ['{{.Name}}', 'a\nb\n'],
  ['json', '{"Name":"a","Size":"1MB"}\n{"Name":"b","Size":"2MB"}\n'],
  ['table {{.Name}}\\t{{.Size}}', 'NAME      SIZE\na         1MB\nb         2MB\n'],
  ['{{.Name}}\\t{{.Size}}', 'a\t1MB\nb\t2MB\n'],
]

for (const [format, expected] of CASES) {
  test(`rows as ${format}`, () => assert.equal(formatRows(format, LISTING, ROWS), expected))
}

test('an unknown field is an error, also when there are no rows', () => {
  assert.throws(() => formatRows('{{.Nmae}}', LISTING, []), { message: /can't evaluate field Nmae in type row/ })
})

test('one value as json or through a template', () => {
  assert.equal(formatOne('json', { b: 1, a: 2 }), '{"a":2,"b":1}\n')
  assert.equal(formatOne('{{.a}}', { a: 2 }), '2\n')
})
