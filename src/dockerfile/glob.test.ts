import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkGlob, hasWildcards, matchGlob, matchGlobStar } from './glob.ts'

const MATCHES: readonly (readonly [pattern: string, path: string, matches: boolean])[] = [
  ['abc', 'abc', true],
  ['*', 'abc', true],
  ['*c', 'abc', true],
  ['a*', 'a', true],
  ['a*', 'ab/c', false],
  ['a*/b', 'abc/b', true],
  ['a*/b', 'a/c/b', false],
  ['a*b*c*d*e*/f', 'axbxcxdxe/f', true],
  ['a*b*c*d*e*/f', 'axbxcxdxe/xxx/f', false],
  ['a*b?c*x', 'abxbbxdbxebxczzx', true],
  ['a*b?c*x', 'abxbbxdbxebxczzy', false],
  ['ab[c]', 'abc', true],
  ['ab[b-d]', 'abc', true],
  ['ab[e-g]', 'abc', false],
  ['ab[^c]', 'abc', false],
  ['ab[^e-g]', 'abc', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'ab', false],
  ['a?b', 'a☺b', true],
  ['a[^a]b', 'a☺b', true],
  ['a???b', 'a☺b', false],
  ['[a-ζ]*', 'α', true],
  ['a?b', 'a/b', false],
  ['a*b', 'a/b', false],
  ['[\\]a]', ']', true],
  ['[\\-x]', '-', true],
  ['*x', 'xxx', true],
  ['', '', true],
  ['?', '😀', true],
]

for (const [pattern, path, matches] of MATCHES) {
  test(`${pattern} and ${path}`, () => assert.equal(matchGlob(pattern, path), matches))
}

for (const pattern of ['[', '[^', '[]a]', '[-]', '[x-]', '[-x]', '[a-b-c]', 'a[', '\\', '[\\']) {
  test(`${pattern} is malformed`, () => assert.throws(() => checkGlob(pattern), { code: 'BAD_PATTERN' }))
}

test('many stars take no exponential time', () => {
  assert.equal(matchGlob(`${'a*'.repeat(30)}b`, 'a'.repeat(200)), false)
})

test('** matches any number of parts', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a/**/b', 'a/x/y/c', false],
    ['**/b', 'b', true],
    ['a/**', 'a/x/y', true],
    ['a/b*/**/*.txt', 'a/bc/d/e.txt', true],
    ['a/**b', 'a/x/b', false],
  ]
  for (const [pattern, path, matches] of cases) assert.equal(matchGlobStar(pattern, path), matches, pattern)
})

test('what counts as a wildcard', () => {
  assert.deepEqual(['a', 'a\\*', 'a*', '[a]', 'a?'].map(hasWildcards), [false, false, true, true, true])
})
