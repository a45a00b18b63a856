import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../layer/entry.ts'
import { tocOf } from '../layer/toc.ts'
import { documentDifferences, layerDifferences } from './differences.ts'

const COMMON = { mode: 0o644, uid: 0, gid: 0, mtime: 1, mtimeNs: 0 }
const FILE: Entry = { kind: 'file', path: 'f', size: 1, digest: 'a', ...COMMON }

test('nothing differs from itself', () => {
  assert.deepEqual(layerDifferences(tocOf([FILE]), tocOf([FILE])), [])
  assert.deepEqual(documentDifferences({ a: [1, { b: null }] }, { a: [1, { b: null }] }), [])
})

const CHANGES: readonly (readonly [what: string, to: Entry, fields: readonly string[]])[] = [
  ['content', { ...FILE, digest: 'b' }, ['content']],
  ['size and content', { ...FILE, digest: 'b', size: 2 }, ['content', 'size']],
  ['permissions', { ...FILE, mode: 0o4755 }, ['mode']],
  ['owner and group', { ...FILE, uid: 1, gid: 2 }, ['uid', 'gid']],
  ['a second', { ...FILE, mtime: 2 }, ['mtime']],
  ['a nanosecond', { ...FILE, mtimeNs: 1 }, ['mtime']],
  ['an attribute', { ...FILE, xattrs: [{ name: 'user.a', value: 'v' }] }, ['xattr user.a']],
  [
    'a link in place of a file',
    { kind: 'symlink', path: 'f', target: 'g', ...COMMON },
    ['type', 'content', 'size', 'target'],
  ],
  ['another name', { ...FILE, path: 'g' }, ['entry', 'entry']],
]

for (const [what, to, fields] of CHANGES) {
  test(`an entry differs by ${what}`, () => {
    const found = layerDifferences(tocOf([FILE]), tocOf([to]))
    assert.deepEqual(
      found.map(({ field }) => field),
      fields,
    )
  })
}

test('values of documents are named by their path, those that are gone included', () => {
  assert.deepEqual(
    documentDifferences({ config: { Env: ['a', 'b'] }, x: {} }, { config: { Env: ['a'] }, x: { y: 1 } }),
    [
      { field: 'config.Env[1]', image: '"b"', rebuilt: undefined },
      { field: 'x', image: '{}', rebuilt: undefined },
      { field: 'x.y', image: undefined, rebuilt: '1' },
    ],
  )
})
