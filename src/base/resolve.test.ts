import assert from 'node:assert/strict'
import test from 'node:test'
import { packageIndex } from './index.ts'
import { resolvePackages } from './resolve.ts'

type Fields = Readonly<Record<string, string>>

const REPOSITORY = { uris: ['file:///none'], suite: 'stable', components: ['main'] }

function resolve(packages: Readonly<Record<string, Fields>>, wanted: readonly string[], essential = false) {
  const paragraphs = Object.entries(packages).map(([name, fields]) =>
    Object.entries({ Package: name.split('@')[0], Version: '1', Architecture: 'amd64', ...fields })
      .map(([field, value]) => `${field}: ${value}\n`)
      .join('')
      .concat(`Filename: pool/x.deb\nSize: 1\nSHA256: ${'0'.repeat(64)}\n`),
  )
  const index = packageIndex([{ text: paragraphs.join('\n'), repository: REPOSITORY, automatic: true }], 'amd64')
  const request = { packages: wanted, architecture: 'amd64', essential, follows: () => true }
  return resolvePackages(index, request).map(({ name, version }) => (version === '1' ? name : `${name}=${version}`))
}

interface Case {
  readonly title: string
  readonly packages: Readonly<Record<string, Fields>>
  readonly wanted: readonly string[]
  readonly expected: readonly string[] | RegExp
}

const CASES: readonly Case[] = [
  {
    title: 'what is needed by what is needed comes too, what is recommended does not',
    packages: { a: { Depends: 'b', Recommends: 'd' }, b: { 'Pre-Depends': 'c (>= 1)' }, c: {}, d: {} },
    wanted: ['a'],
    expected: ['a', 'b', 'c'],
  },
  {
    title: 'a circle ends',
    packages: { a: { Depends: 'b' }, b: { Depends: 'a' } },
    wanted: ['a'],
    expected: ['a', 'b'],
  },
  {
    title: 'of alternatives the first is taken',
    packages: { a: { Depends: 'x | y' }, x: {}, y: {} },
    wanted: ['a'],
    expected: ['a', 'x'],
  },
  {
    title: 'an alternative that is there anyway does',
    packages: { a: { Depends: 'x | y, b' }, b: { Depends: 'y' }, x: {}, y: {} },
    wanted: ['a'],
    expected: ['a', 'b', 'y'],
  },
  {
    title: 'an alternative that conflicts is passed over',
    packages: { a: { Depends: 'x | y' }, b: { Conflicts: 'x' }, x: {}, y: {} },
    wanted: ['a', 'b'],
    expected: ['a', 'b', 'y'],
  },
  {
    title: 'a provided name does, with a version only where the provider gives one',
    packages: { a: { Depends: 'v (>= 2)' }, old: { Provides: 'v' }, recent: { Provides: 'v (= 3)' } },
    wanted: ['a'],
    expected: ['a', 'recent'],
  },
  {
    title: 'the newest version counts, unless one is named',
    packages: { a: {}, 'a@2': { Version: '2~rc1' } },
    wanted: ['a'],
    expected: ['a=2~rc1'],
  },
  {
    title: 'a version is named',
    packages: { a: {}, 'a@2': { Version: '2' } },
    wanted: ['a=1'],
    expected: ['a'],
  },
  {
    title: 'packages for other architectures are none',
    packages: { a: { Architecture: 'arm64' }, b: {} },
    wanted: ['a'],
    expected: /no repository has a package a for amd64/,
  },
  {
    title: 'the chain to what is missing is told',
    packages: { a: { Depends: 'b' }, b: { Depends: 'c (>= 2)' }, c: {} },
    wanted: ['a'],
    expected: /a 1 → b 1 needs c \(>= 2\), but c is 1/,
  },
  {
    title: 'what cannot be together is told with both chains',
    packages: { a: { Depends: 'x' }, b: { Breaks: 'x (<< 2)' }, x: {} },
    wanted: ['a', 'b'],
    expected: /b cannot be there together with x: b 1, and a 1 → x 1/,
  },
]

for (const { title, packages, wanted, expected } of CASES) {
  test(title, () => {
    if (expected instanceof RegExp) assert.throws(() => resolve(packages, wanted), expected)
    else assert.deepEqual(resolve(packages, wanted), expected)
  })
}

test('essential packages come when all of them are wanted', () => {
  const packages = { a: {}, sh: { Essential: 'yes' } }
  assert.deepEqual(resolve(packages, ['a']), ['a'])
  assert.deepEqual(resolve(packages, ['a'], true), ['a', 'sh'])
})
