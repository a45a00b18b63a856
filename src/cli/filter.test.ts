import assert from 'node:assert/strict'
import { test } from 'node:test'
import { globToRegExp, matchesLabels, parseFilters } from './filter.ts'

test('filters are read by key, in order', () => {
  const filters = parseFilters(['label=a', 'label=b=c', ' dangling = true '], ['label', 'dangling'])
  assert.deepEqual(
    [...filters],
    [
      ['label', ['a', 'b=c']],
      ['dangling', ['true']],
    ],
  )
})

test('an unknown filter names the near one', () => {
  assert.throws(() => parseFilters(['labl=a'], ['label']), {
    message: "invalid filter 'labl'",
    advice: /Did you mean 'label'/,
  })
  assert.throws(() => parseFilters(['label'], ['label']), { message: /expected key=value/, exitCode: 125 })
})

test('labels match by name, and by value where one is given', () => {
  const labels = { a: '1', b: '' }
  assert.ok(matchesLabels(labels, ['a', 'a=1', 'b=']))
  assert.ok(!matchesLabels(labels, ['a=2']))
  assert.ok(!matchesLabels(labels, ['toString']))
})

const GLOBS: readonly (readonly [string, string, boolean])[] = [
  ['app', 'app', true],
  ['app', 'app2', false],
  ['app*', 'app2', true],
  ['*', 'a/b', false],
  ['*/b', 'a/b', true],
  ['a?c', 'abc', true],
  ['a?c', 'a/c', false],
  ['a[0-9]', 'a5', true],
  ['a[^0-9]', 'a5', false],
  ['a.c', 'abc', false],
  ['a\\*', 'a*', true],
]

for (const [pattern, name, matches] of GLOBS) {
  test(`${pattern} ${matches ? 'matches' : 'does not match'} ${name}`, () =>
    assert.equal(globToRegExp(pattern).test(name), matches))
}
