import assert from 'node:assert/strict'
import { test } from 'node:test'
import { excerpt } from './excerpt.ts'

const TEXT = 'FROM a\nRUN x\n\tRNU make\nUSER b\nUSER c\nUSER d\n'

function at(
  line: number,
  column: number,
  endLine: number,
  endColumn: number,
  text = TEXT,
): Parameters<typeof excerpt>[0] {
  return { file: 'f', text, range: { start: { line, column }, end: { line: endLine, column: endColumn } } }
}

test('lines around the error, carets under the word', () => {
  assert.equal(
    excerpt(at(3, 2, 3, 5)),
    ['  1 | FROM a', '  2 | RUN x', '> 3 | \tRNU make', '    | \t^^^', '  4 | USER b', '  5 | USER c'].join('\n'),
  )
})

test('a range of several lines is marked at the margin', () => {
  assert.equal(
    excerpt(at(2, 1, 4, 3), { context: 1 }),
    ['  1 | FROM a', '> 2 | RUN x', '> 3 | \tRNU make', '> 4 | USER b', '  5 | USER c'].join('\n'),
  )
})

test('a long range is cut', () => {
  const text = Array.from({ length: 12 }, (_, index) => `line ${index + 1}`).join('\n')
  assert.equal(
    excerpt(at(2, 1, 11, 3, text), { context: 1, longest: 2 }),
    ['   1 | line 1', '>  2 | line 2', '>  3 | line 3', '     | …', '  12 | line 12'].join('\n'),
  )
})

test('an empty range and one past the end still get a caret', () => {
  assert.equal(excerpt(at(1, 5, 1, 5, 'FROM')), '> 1 | FROM\n    |     ^')
  assert.equal(excerpt(at(9, 1, 9, 1, '# x\n')), '> 1 | # x\n    | ^')
  assert.equal(excerpt(at(1, 1, 1, 1, '')), '> 1 |\n    | ^')
})

test('wide characters before the word', () => {
  const found = excerpt(at(1, 8, 1, 10, 'RUN 日本 xy\r\n'), { context: 0 })
  assert.equal(found, `> 1 | RUN 日本 xy\n    | ${' '.repeat(9)}^^`)
})

test('control characters are shown as escapes, carets under them', () => {
  const found = excerpt(at(1, 3, 1, 6, 'a\u0000b\u001b\u202ec'), { context: 0 })
  assert.equal(found, `> 1 | a\\x00b\\x1b\\u202ec\n    | ${' '.repeat(5)}${'^'.repeat(11)}`)
})

test('a long line is cut around the range', () => {
  const long = `${'a'.repeat(500)}BAD${'c'.repeat(500)}`
  const found = excerpt(at(2, 501, 2, 504, `RUN x\n${long}\n${long}`), { context: 1 })
  const lines = [
    '  1 | RUN x',
    `> 2 | …${'a'.repeat(80)}BAD${'c'.repeat(77)}…`,
    `    | ${' '.repeat(81)}^^^`,
    `  3 | ${'a'.repeat(160)}…`,
  ]
  assert.equal(found, lines.join('\n'))
})

test('escapes count for the length of a line', () => {
  const found = excerpt(at(1, 1, 1, 1, '\u0000'.repeat(1000)))
  assert.equal(found.split('\n')[0], `> 1 | ${'\\x00'.repeat(40)}…`)
})

test('a range of a long line up to its end', () => {
  const found = excerpt(at(1, 1, 1, 1001, 'x'.repeat(1000)))
  assert.equal(found, `> 1 | ${'x'.repeat(160)}…\n    | ${'^'.repeat(160)}`)
})
