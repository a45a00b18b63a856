import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Entry } from '../layer/entry.ts'
import { type Toc, tocOf } from '../layer/toc.ts'
import { cleanPath, resolvePath } from './resolve.ts'
import { layeredView } from './view.ts'

const common = { mode: 0o644, uid: 0, gid: 0, mtime: 0, mtimeNs: 0 }

/** `dir/`, `file`, `link -> target`, `-gone` (whiteout), `dir/!` (opaque). */
function toc(...lines: readonly string[]): Toc {
  return tocOf(lines.map(line => parseEntry(line)))
}

function parseEntry(line: string): Entry {
  const [left = '', target] = line.split(' -> ')
  if (target !== undefined) return { ...common, kind: 'symlink', path: left, target }
  if (left.startsWith('-')) return { ...common, kind: 'whiteout', path: left.slice(1) }
  if (left.endsWith('/!')) return { ...common, mode: 0o700, kind: 'directory', path: left.slice(0, -2), opaque: true }
  if (left.endsWith('/')) return { ...common, mode: 0o755, kind: 'directory', path: left.slice(0, -1) }
  return { ...common, kind: 'file', path: left, size: 1, digest: 'd' }
}

describe('a chain of layers as one file system', () => {
  const lower = toc(
    'a/',
    'a.b',
    'a/x',
    'a/y',
    'b/',
    'b/deep/',
    'b/deep/z',
    'c',
    'bin -> usr/bin',
    'usr/',
    'usr/bin/',
    'usr/bin/sh',
  )
  const cases: readonly [string, Toc, string, readonly string[]][] = [
    ['an empty layer changes nothing', toc(), '', ['a', 'a.b', 'b', 'bin', 'c', 'usr']],
    ['a whiteout removes a file', toc('a/', '-a/x'), 'a', ['y']],
    ['a whiteout removes a whole directory', toc('-b'), 'b', []],
    ['what is below a removed directory is gone too', toc('-b'), 'b/deep', []],
    ['an opaque directory shows only its own', toc('a/!', 'a/new'), 'a', ['new']],
    ['a file replaces a directory', toc('b'), 'b', []],
    ['a directory replaces a file', toc('c/', 'c/in'), 'c', ['in']],
    ['a directory removed and made again is new', toc('b/!', 'b/n'), 'b', ['n']],
    ['a file adds an implied directory', toc('new/sub/file'), 'new', ['sub']],
  ]
  for (const [name, upper, path, expected] of cases) {
    test(name, () => assert.deepEqual(layeredView([lower, upper]).children(path), expected))
  }

  test('an implied directory keeps the attributes that a lower layer gives it', () => {
    const view = layeredView([tocOf([{ ...common, kind: 'directory', path: 'tmp', mode: 0o1777 }]), toc('tmp/file')])
    assert.equal(view.lookup('tmp')?.mode, 0o1777)
  })

  test('locate names the layer that an entry comes from', () => {
    const view = layeredView([lower, toc('a/', 'a/x')])
    assert.equal(view.locate('a/x')?.layer, 1)
    assert.equal(view.locate('a/y')?.layer, 0)
    assert.equal(view.locate('nothing'), undefined)
  })
})

describe('symlinks stay beneath the root', () => {
  const view = layeredView([
    toc(
      'bin -> usr/bin',
      'usr/',
      'usr/bin/',
      'usr/bin/sh -> dash',
      'usr/bin/dash',
      'abs -> /usr',
      'up -> ../../../usr',
      'loop -> loop',
      'in/',
      'in/up -> ../usr/bin',
    ),
  ])
  const cases: readonly [string, boolean, string][] = [
    ['bin/sh', true, 'usr/bin/dash'],
    ['bin/sh', false, 'usr/bin/sh'],
    ['bin', false, 'bin'],
    ['abs/bin/dash', true, 'usr/bin/dash'],
    ['up/bin', true, 'usr/bin'],
    ['../../etc/passwd', true, 'etc/passwd'],
    ['in/up/../bin', true, 'usr/bin'],
    ['missing/path', true, 'missing/path'],
    ['', true, ''],
  ]
  for (const [path, followLast, expected] of cases) {
    test(`${path || '(root)'} is ${expected || '(root)'}${followLast ? '' : ' without its last link'}`, () => {
      assert.equal(resolvePath(view, path, followLast), expected)
    })
  }

  test('a loop is an error that says so', () => {
    assert.throws(() => resolvePath(view, 'loop/x'), { code: 'TOO_MANY_LINKS', message: /too many levels/ })
  })

  test('paths are cleaned against the current folder', () => {
    const table: readonly [string, string, string][] = [
      ['.', 'app', 'app'],
      ['./a//b/', 'app', 'app/a/b'],
      ['..', 'app/sub', 'app'],
      ['../../../x', 'app', 'x'],
      ['/abs', 'app', 'abs'],
      ['', 'app', 'app'],
    ]
    for (const [path, base, expected] of table) assert.equal(cleanPath(path, base), expected, path)
  })
})
