import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShaleError } from '../error.ts'
import { IgnoreMatcher, ignorePatterns, parseIgnoreFile } from './ignore.ts'
import { compilePattern } from './ignore-pattern.ts'
import { linearMatcher } from './linear-match.ts'

function matcher(text: string): IgnoreMatcher {
  return new IgnoreMatcher(parseIgnoreFile(text))
}

const CASES: readonly (readonly [file: string, ignored: readonly string[], kept: readonly string[]])[] = [
  ['ba*\n!bay', ['bar', 'baz', 'bar/x'], ['bay', 'foo', 'x/bar']],
  ['*\n!src', ['a', 'x/src'], ['src', 'src/a', 'src/a/b']],
  ['src\n!src/keep', ['src', 'src/a'], ['src/keep', 'src/keep/x', 'srcs']],
  ['!src/keep\nsrc', ['src/keep', 'src/keep/x'], []],
  ['**/node_modules', ['node_modules', 'a/b/node_modules/x'], ['node_modulesx', 'a/xnode_modules']],
  ['a/**', ['a/b', 'a/b/c'], ['a', 'ab']],
  ['a/**/b', ['a/b', 'a/x/y/b', 'a/b/c'], ['a/xb', 'b']],
  ['**.log', ['a.log', 'x/y.log'], ['a.log2']],
  ['*.log', ['a.log', 'd.log/x'], ['x/a.log']],
  ['/a/./b//c/../d/', ['a/b/d', 'a/b/d/e'], ['a/b/c']],
  ['a?c', ['abc', 'aéc', 'a😀c'], ['ac', 'a/c', 'abbc']],
  ['a[b-d]e', ['abe', 'ade'], ['aee']],
  ['a[^b]c', ['axc'], ['abc']],
  ['a\\*b', ['a*b'], ['axb', 'ab']],
  ['a.b(c)+{d}$|e', ['a.b(c)+{d}$|e'], ['axb(c)+{d}$|e']],
  ['  spaced  \n\n   \n', ['spaced'], ['  spaced']],
  ['#x\n #y', ['#y'], ['#x']],
  ['\ufeffa\r\nb\r\n', ['a', 'b'], []],
  ['.', [], ['a', '.']],
  ['..\n../a', [], ['a']],
  ['*\n!**/*.go', ['a', 'x/a.c'], ['a.go', 'x/a.go', 'x/y/a.go']],
  ['**/*.py[co]\n**/x-?', ['a.pyc', 'd/a.pyo', 'd/x-1'], ['a.py', 'x-']],
  ['**/[a-c]*', ['a', 'x/b1'], ['d', 'x/d1']],
]

for (const [file, ignored, kept] of CASES) {
  test(`.dockerignore ${JSON.stringify(file)}`, () => {
    const decided = matcher(file)
    for (const path of ignored) assert.equal(decided.match(path).ignored, true, path)
    for (const path of kept) assert.equal(decided.match(path).ignored, false, path)
  })
}

test('the deciding line is named', () => {
  const decided = matcher('# first\n*.md\n!README.md  \ndocs/')
  assert.deepEqual(decided.match('docs/a.md').pattern, { pattern: 'docs', negated: false, line: 4, raw: 'docs/' })
  assert.equal(decided.match('README.md').pattern?.line, 3)
  assert.equal(decided.match('a.c').pattern, undefined)
})

test('a directory that no exception reaches can be skipped', () => {
  const decided = matcher('node_modules\nsrc\nvendor\n!src/gen/keep\n!**/LICENSE.txt/x')
  const plain = matcher('node_modules\nsrc\n!src/gen/keep')
  assert.equal(plain.enter(plain.root, 'node_modules').skip, true)
  const source = plain.enter(plain.root, 'src')
  assert.deepEqual([source.skip, source.match.ignored], [false, true])
  assert.equal(plain.enter(source, 'other').skip, true)
  assert.equal(plain.enter(source, 'gen').skip, false)
  // A pattern that begins with ** may match anywhere.
  assert.equal(decided.enter(decided.root, 'vendor').skip, false)
})

test('a directory that nothing reaches needs no matching', () => {
  const decided = matcher('dist\n*.md\nlib/*.js')
  assert.equal(decided.enter(decided.root, 'src').settled, true)
  assert.equal(decided.enter(decided.root, 'lib').settled, false)
  assert.equal(decided.root.settled, false)
})

test('byte strings: names are compared as text', () => {
  const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
  const decided = new IgnoreMatcher(parseIgnoreFile('ä?ö\n**/*.日本'), { bytes: true })
  assert.equal(decided.match(bytes('äéö')).ignored, true)
  assert.equal(decided.test(decided.enter(decided.root, 'x'), bytes('a.日本')).ignored, true)
  assert.equal(decided.match('\xe4x\xf6').ignored, false)
})

for (const [pattern, line] of [
  ['!', 1],
  ['a\n! ', 2],
  ['a\n\n[', 3],
  ['[a-]', 1],
  ['a\\', 1],
  ['[]a]', 1],
] as const) {
  test(`bad pattern ${JSON.stringify(pattern)}`, () => {
    const source = { file: '.dockerignore', text: pattern }
    assert.throws(
      () => new IgnoreMatcher(parseIgnoreFile(pattern), { source }),
      (error: unknown) => {
        assert.ok(error instanceof ShaleError)
        assert.equal(error.code, 'BAD_PATTERN')
        assert.equal(error.source?.range.start.line, line)
        return true
      },
    )
  })
}

test('patterns of COPY --exclude keep a leading slash', () => {
  assert.equal(new IgnoreMatcher(ignorePatterns(['/a', 'b/'])).match('a').ignored, false)
  assert.equal(new IgnoreMatcher(ignorePatterns(['*', '!b'])).match('b/c').ignored, false)
})

/** The rule without any short cut: the last pattern that matches the path or a parent decides. */
function plainly(text: string, path: string): boolean {
  const parts = path.split('/')
  const paths = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
  const last = parseIgnoreFile(text).findLast(({ pattern }) => paths.some(compilePattern(pattern).matches))
  return last !== undefined && !last.negated
}

test('short cuts change nothing: 2,000 random pattern lists', () => {
  let seed = 7
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (seed >> 8) % below
  }
  const pick = <T>(from: readonly T[]): T => from[random(from.length)]!
  const part = (): string => pick(['a', 'b', 'ab', 'a.c', '*', '**', 'a*', '*b', '?', '[ab]', '*.c'])
  const line = (): string => pick(['', '', '!']) + Array.from({ length: 1 + random(3) }, part).join('/')
  const path = (): string => Array.from({ length: 1 + random(4) }, () => pick(['a', 'b', 'ab', 'a.c', 'c'])).join('/')
  for (let round = 0; round < 2000; round++) {
    const file = Array.from({ length: 1 + random(5) }, line).join('\n')
    const decided = matcher(file)
    for (let index = 0; index < 5; index++) {
      const tested = path()
      assert.equal(decided.match(tested).ignored, plainly(file, tested), `${JSON.stringify(file)}: ${tested}`)
      const parts = tested.split('/')
      let state = decided.root
      for (const [at, name] of parts.entries()) {
        if (state.skip) assert.equal(plainly(file, tested), true, `${JSON.stringify(file)}: ${tested} skipped`)
        if (at < parts.length - 1) state = decided.enter(state, name)
      }
    }
  }
})

test('the linear matcher agrees with the regular expression', () => {
  const patterns = [
    'a*b',
    '**/a*',
    'a/**/b',
    'a/**',
    '**/**',
    'a?[b-c]*',
    '*/**/*.c',
    'a**b',
    '**/[^a]b/**',
    'a\\*b',
    '*.a.*',
  ]
  const paths = [
    '',
    'a',
    'ab',
    'a/b',
    'a/x/b',
    'a/x/y/b',
    'axb',
    'xb',
    'x/xb/y',
    'abbc',
    'd/e/f.c',
    'f.c',
    'd/f.c',
    'a*b',
    'x.a.y',
    'a/',
  ]
  for (const pattern of patterns) {
    const { form } = compilePattern(pattern)
    if (form.kind !== 'regexp') continue
    const matches = linearMatcher(form.pieces)
    for (const path of paths) assert.equal(matches(path), form.regexp.test(path), `${pattern} on ${path}`)
  }
})

test('a pattern of many stars takes no exponential time', () => {
  const path = 'a'.repeat(4000)
  assert.equal(matcher(`${'a*'.repeat(40)}b`).match(path).ignored, false)
  assert.equal(matcher(`${'**/a*'.repeat(20)}b`).match(path).ignored, false)
})
