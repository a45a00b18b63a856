import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from './entry.ts'
import { EMPTY_TOC, type Toc } from './toc.ts'
import { contentId, decodeToc, encodeToc, tocDigest } from './toc-codec.ts'

const COMMON = { mode: 0o644, uid: 0, gid: 0, mtime: 1_700_000_000, mtimeNs: 5 } as const
const DIGEST = 'ab'.repeat(32)
const WHITEOUT = { kind: 'whiteout', mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNs: 0 } as const
const XATTRS = [
  { name: 'security.capability', value: '\x01\0\0\x02\xff' },
  { name: 'user.é', value: '' },
] as const

const EVERYTHING: Toc = {
  entries: [
    { kind: 'directory', path: '', ...COMMON, mode: 0o755, opaque: true },
    { kind: 'file', path: 'a', ...COMMON, size: 2 ** 40, digest: DIGEST, xattrs: XATTRS },
    { kind: 'hardlink', path: 'a-link', ...COMMON, target: 'a', xattrs: XATTRS },
    { kind: 'directory', path: 'd', ...COMMON, mode: 0o7777, uid: 4_294_967_295, gid: 100_000, mtime: -62_135_596_800 },
    {
      kind: 'file',
      path: 'd/f',
      ...COMMON,
      mtime: 2 ** 40,
      mtimeNs: 999_999_999,
      size: 0,
      digest: DIGEST,
      xattrs: XATTRS,
    },
    { kind: 'symlink', path: 'd/\xff\xfe', ...COMMON, target: '../\xe9' },
    { kind: 'char', path: 'dev', ...COMMON, major: 4095, minor: 1_048_575 },
    { ...WHITEOUT, path: 'gone' },
    { kind: 'fifo', path: 'implied/p', ...COMMON },
    { kind: 'block', path: 'sda', ...COMMON, major: 8, minor: 0 },
  ],
}

test('every kind of entry survives', () => {
  assert.deepEqual(decodeToc(encodeToc(EVERYTHING)), EVERYTHING)
  assert.deepEqual(decodeToc(encodeToc(EMPTY_TOC)), EMPTY_TOC)
})

test('identities are golden: a change of these is a change of every cache and store', () => {
  assert.equal(contentId(EMPTY_TOC), 'sha256:7555a0fa24572eacf4b38eaeb7e132843bd2daad7f54fa720c5f335f9d473b7c')
  assert.equal(contentId(EVERYTHING), 'sha256:571b5ece511917da423371fa1db906d14abeacd6d79a35fc33f03f52c7bcd23e')
  assert.equal(tocDigest(EVERYTHING), 'sha256:cb2f2a265377130631fef5859a33c137db4720f27de029dab25436dc989969e7')
})

const withEntry = (index: number, change: Partial<Entry>): Toc => ({
  entries: EVERYTHING.entries.map((entry, i) => (i === index ? ({ ...entry, ...change } as Entry) : entry)),
})

test('the content ID follows everything but times', () => {
  const id = contentId(EVERYTHING)
  assert.equal(contentId(withEntry(4, { mtime: 1, mtimeNs: 0 })), id)
  for (const toc of [
    withEntry(1, { mode: 0o600 }),
    withEntry(1, { uid: 1 }),
    withEntry(1, { gid: 1 }),
    withEntry(1, { size: 1 }),
    withEntry(1, { digest: 'cd'.repeat(32) }),
    withEntry(1, { xattrs: [{ name: 'user.a', value: 'b' }] }),
    withEntry(5, { target: 'x' }),
    withEntry(6, { major: 1 }),
    withEntry(6, { minor: 1 }),
    withEntry(9, { path: 'sdb' }),
    { entries: EVERYTHING.entries.slice(0, -1) },
    { entries: EVERYTHING.entries.slice(1) },
  ]) {
    assert.notEqual(contentId(toc), id)
    assert.notEqual(tocDigest(toc), tocDigest(EVERYTHING))
  }
  assert.notEqual(tocDigest(withEntry(4, { mtime: 1 })), tocDigest(EVERYTHING))
})

const file = (path: string): Entry => ({ kind: 'file', path, ...COMMON, size: 1, digest: DIGEST })

test('tables that are out of order, name no file in a link or lack a digest are not encoded', () => {
  for (const entries of [
    [file('b'), file('a')],
    [file('a'), file('a')],
    [{ kind: 'hardlink', path: 'a', ...COMMON, target: 'b' } as const, file('b')],
    [{ ...file('a'), digest: '' } as Entry],
  ]) {
    assert.throws(() => encodeToc({ entries }), { code: 'TOC_INVALID' })
  }
})

test('unclean paths are refused, wherever in the table', () => {
  for (const path of [
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/..',
    'a/../b',
    './a',
    'a/.',
    'a\0',
    `b/${'x'.repeat(256)}`,
    `${'c/'.repeat(2050)}c`,
  ]) {
    for (const before of [[], [{ kind: 'directory', path: '', ...COMMON } as const], [file('+')]]) {
      const entries = [...before, file(path)].sort((a, b) => (a.path < b.path ? -1 : 1))
      assert.throws(() => decodeToc(encodeToc({ entries })), { code: 'TOC_INVALID' }, JSON.stringify(path))
    }
  }
  const good = ['...', '..a', 'a/...', 'a/.b', 'x'.repeat(255)].sort().map(file)
  assert.equal(decodeToc(encodeToc({ entries: good })).entries.length, 5)
})

test('nothing may lie below what is no directory', () => {
  const parents: readonly Entry[] = [
    file('a'),
    { kind: 'symlink', path: 'a', ...COMMON, target: '/' } as const,
    { ...WHITEOUT, path: 'a' },
  ]
  for (const parent of parents) {
    for (const child of ['a/b', 'a/b/c', 'a/b/c/d']) {
      assert.throws(() => decodeToc(encodeToc({ entries: [parent, file('a-'), file(child)] })), { code: 'TOC_INVALID' })
    }
  }
  assert.throws(
    () => decodeToc(encodeToc({ entries: [{ kind: 'symlink', path: '', ...COMMON, target: '/' } as const] })),
    {
      code: 'TOC_INVALID',
    },
  )
})

test('no damage crashes or loops: cut, changed and random bytes are refused or decode to something valid', () => {
  const bytes = encodeToc(EVERYTHING)
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeToc(bytes.subarray(0, length)), { code: 'TOC_INVALID' })
  }
  assert.throws(() => decodeToc(Buffer.concat([bytes, Buffer.alloc(1)])), { code: 'TOC_INVALID' })
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0, 1, 0x2e, 0x2f, 0x7f, 0x80, 0xff]) {
      const damaged = Buffer.from(bytes)
      damaged[at] = value
      try {
        encodeToc(decodeToc(damaged))
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'TOC_INVALID', String(error))
      }
    }
  }
})
