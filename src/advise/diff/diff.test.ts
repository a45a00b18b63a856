import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../layer/entry.ts'
import { type Toc, tocOf } from '../../layer/toc.ts'
import type { ImageConfig } from '../../oci/image-config.ts'
import { configChanges } from './config.ts'
import { fileChanges } from './files.ts'
import { parseApk, parseDpkg } from './packages.ts'

const COMMON = { mode: 0o644, uid: 0, gid: 0, mtime: 1, mtimeNs: 0 }

function file(path: string, content: string, more: Partial<typeof COMMON> = {}): Entry {
  return { kind: 'file', path, size: content.length, digest: content, ...COMMON, ...more }
}

function link(path: string, target: string): Entry {
  return { kind: 'symlink', path, target, ...COMMON }
}

function shown(a: readonly Toc[], b: readonly Toc[]): readonly string[] {
  return fileChanges(a, b).map(({ path, change, aspects, before, after }) => {
    return [path, change, ...aspects, before, after].join(' ')
  })
}

const BASE = tocOf([
  { kind: 'directory', path: 'd', ...COMMON },
  file('d/a', 'aa'),
  file('d/b', 'bb'),
  link('l', 'd/a'),
  { kind: 'hardlink', path: 'd/h', target: 'd/a', ...COMMON },
])

test('an image does not differ from itself, nor by times and layers alone', () => {
  assert.deepEqual(shown([BASE], [BASE]), [])
  const later = tocOf(BASE.entries.map(entry => ({ ...entry, mtime: 99 })))
  assert.deepEqual(shown([BASE], [later]), [])
  const halves = [tocOf(BASE.entries.slice(0, 4)), tocOf(BASE.entries.slice(4))]
  assert.deepEqual(shown([BASE], halves.toReversed()), [])
})

test('files are added, removed and changed in what differs; a further name is a file', () => {
  const next = tocOf([
    file('d/a', 'AAA', { mode: 0o755, uid: 5 }),
    { kind: 'whiteout', path: 'd/b', ...COMMON },
    link('l', 'd/b'),
    file('d/h', 'aa'),
    file('new', 'n'),
  ])
  assert.deepEqual(shown([BASE], [BASE, next]), [
    '/d/a changed content mode owner 2 3',
    '/d/b removed 2 0',
    '/l changed target 0 0',
    '/new added 0 1',
  ])
  assert.deepEqual(shown([BASE], [BASE, tocOf([file('l', 'x')])]), ['/l changed type 0 1'])
})

test('settings are compared one by one; what is not set is as what is empty', () => {
  const image = (config: ImageConfig['config']): ImageConfig => {
    return { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] }, config }
  }
  const before = image({ Env: ['PATH=/bin', 'A=1'], Cmd: ['a'], Labels: { x: '1' }, User: '', Volumes: {} })
  const after = image({ Env: ['PATH=/bin', 'A=2', 'B='], Cmd: ['a', 'b'], ExposedPorts: { '80/tcp': {} } })
  assert.deepEqual(configChanges(before, after), [
    { name: 'Cmd', before: ['a'], after: ['a', 'b'] },
    { name: 'Env A', before: '1', after: '2' },
    { name: 'ExposedPorts', before: undefined, after: ['80/tcp'] },
    { name: 'Labels x', before: '1', after: undefined },
  ])
  assert.deepEqual(configChanges(before, before), [])
})

test('lists of packages', () => {
  const dpkg = `Package: a
Status: install ok installed
Architecture: amd64
Version: 1.0-1
Description: x
 Version: not this

Package: gone
Status: deinstall ok config-files
Version: 2

Package: a
Status: install ok installed
Architecture: i386
Version: 1.1
`
  assert.deepEqual([...parseDpkg(dpkg)], [['a', '1.0-1, 1.1']])
  assert.deepEqual(
    [...parseApk('C:Q1=\nP:musl\nV:1.2.5-r0\nA:x86_64\n\nP:zlib\nV:1.3\n')],
    [
      ['musl', '1.2.5-r0'],
      ['zlib', '1.3'],
    ],
  )
})
