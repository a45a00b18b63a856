import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { TarEntry } from '../tar/header.ts'
import { END_OF_ARCHIVE, encodeHeader } from '../tar/write.ts'
import { applyLayer, impliedDirectories, writeTree } from './apply.ts'
import { type DiffOptions, diffTree } from './diff.ts'
import type { Entry, FileEntry } from './entry.ts'
import { getXattr } from './fs-calls.ts'
import { packLayer } from './pack.ts'
import { readLayer } from './read.ts'
import { scanTree } from './scan.ts'
import { findEntry, type Toc, tocOf } from './toc.ts'
import type { TreeOptions } from './tree-writer.ts'

const ROOT = process.getuid?.() === 0
const REAL: TreeOptions = { overlay: 'trusted', ownership: 'real' }
const MINE: TreeOptions = { overlay: 'user', ownership: 'ignore' }
const OPTIONS = ROOT ? REAL : MINE
const uid = ROOT ? 1234 : (process.getuid?.() ?? 0)
const gid = ROOT ? 4321 : (process.getgid?.() ?? 0)
const COMMON = { mode: 0o644, uid, gid, mtime: 1_234_567_890, mtimeNs: 123_456_789 } as const

let folder = ''
let count = 0
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'shale-apply-'))
})
after(() => {
  // An ordinary user cannot empty directories that are read-only.
  execFileSync('chmod', ['-R', 'u+rwX', folder])
  rmSync(folder, { recursive: true, force: true })
})

/** A new empty folder. */
function fresh(): string {
  const path = join(folder, String(count++))
  mkdirSync(path)
  return path
}

const contentOf = (entry: FileEntry): Buffer => Buffer.alloc(entry.size, entry.path)
const file = (path: string, size: number, more: Partial<FileEntry> = {}): Entry => ({
  kind: 'file',
  path,
  ...COMMON,
  size,
  digest: '',
  ...more,
})

async function membersOf(toc: Toc): Promise<ReturnType<typeof readLayer>> {
  const chunks: Uint8Array[] = []
  await packLayer(toc, contentOf, { compression: 'zstd', sink: chunk => void chunks.push(chunk) })
  return readLayer(stream(chunks), 'zstd')
}

/** The folders are this user's, so their root is as well. */
const MY_ROOT: Entry = {
  kind: 'directory',
  path: '',
  mode: 0o755,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  mtime: 0,
  mtimeNs: 0,
}

function diff(
  upper: string,
  lower: DiffOptions['lower'] = () => undefined,
  more: Partial<DiffOptions> = {},
): ReturnType<typeof diffTree> {
  const rooted: DiffOptions['lower'] = path => lower(path) ?? (path === '' ? MY_ROOT : undefined)
  return diffTree(upper, { overlay: OPTIONS.overlay, lower: rooted, ...more })
}

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

const DEVICES: readonly Entry[] = ROOT
  ? [
      { kind: 'char', path: 'dev/null', ...COMMON, mode: 0o666, major: 1, minor: 3 },
      { kind: 'block', path: 'dev/large', ...COMMON, mode: 0o600, major: 259, minor: 70_000 },
    ]
  : []

/** A tree of its own: no whiteouts, nothing implied. */
const TREE = tocOf([
  { kind: 'directory', path: '', ...COMMON, mode: 0o755 },
  { kind: 'directory', path: 'd', ...COMMON, mode: 0o2750 },
  { kind: 'directory', path: 'd/read-only', ...COMMON, mode: 0o555 },
  { kind: 'directory', path: 'dev', ...COMMON, mode: 0o755 },
  file('d/read-only/f', 10, { mode: 0o444 }),
  file('d/empty', 0, { mode: 0 }),
  file('d/su', 100, {
    mode: 0o6755,
    xattrs: ROOT
      ? [{ name: 'security.capability', value: `\x01\0\0\x02${'\0\x04\0\0'.padEnd(16, '\0')}` }]
      : [{ name: 'user.note', value: '\0\xff' }],
  }),
  file('d/\xff\xfe', 7),
  file('large', 3_000_000, { mtime: -5, mtimeNs: 1 }),
  { kind: 'hardlink', path: 'larger', ...COMMON, target: 'large' },
  { kind: 'hardlink', path: 'z/largest', ...COMMON, target: 'large' },
  { kind: 'symlink', path: 'l', ...COMMON, mode: 0o777, target: '/etc/\xe9' },
  { kind: 'fifo', path: 'pipe', ...COMMON, mode: 0o622 },
  {
    kind: 'directory',
    path: 'z',
    ...COMMON,
    mode: 0o1777,
    mtime: 9_999_999_999,
    xattrs: [{ name: 'user.d', value: 'v' }],
  },
  ...DEVICES,
])

describe('round trips', () => {
  test('pack, read, unpack, scan: the same table', async () => {
    const target = fresh()
    const applied = await applyLayer(await membersOf(TREE), target, OPTIONS)
    const { toc, open } = await scanTree(target)
    assert.deepEqual(toc, applied)
    const packed = await packLayer(toc, open, { compression: 'none', sink: () => {} })
    const original = await packLayer(TREE, contentOf, { compression: 'none', sink: () => {} })
    assert.equal(packed.diffId, original.diffId)
  })

  test('a tree written from its contents is the tree unpacked from its blob', async () => {
    const target = fresh()
    const written = await writeTree(TREE, contentOf, target, OPTIONS)
    assert.deepEqual((await scanTree(target)).toc, await applyLayer(await membersOf(TREE), fresh(), OPTIONS))
    assert.equal((findEntry(written, 'large') as FileEntry).digest.length, 64)
  })

  test('a content that is not what the table says is refused', async () => {
    const { toc } = await packLayer(TREE, contentOf, { compression: 'none', sink: () => {} })
    for (const path of ['large', 'd/su']) {
      const open = (entry: FileEntry): Buffer =>
        entry.path === path ? Buffer.alloc(entry.size, 'x') : contentOf(entry)
      await assert.rejects(writeTree(toc, open, fresh(), OPTIONS), { code: 'FILE_CHANGED', message: new RegExp(path) })
    }
  })

  test('a layer of changes survives as an overlay tree', async () => {
    const changes = tocOf([
      { kind: 'directory', path: 'd', ...COMMON, mode: 0o755, opaque: true },
      file('d/new', 5),
      { kind: 'whiteout', path: 'gone', ...COMMON, mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNs: 0 },
      { kind: 'whiteout', path: 'd/gone-\xff', ...COMMON, mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNs: 0 },
    ])
    const target = fresh()
    const applied = await applyLayer(await membersOf(changes), target, OPTIONS)
    assert.equal(lstatSync(join(target, 'gone')).isCharacterDevice(), true)
    assert.equal(lstatSync(join(target, 'gone')).rdev, 0)
    assert.equal(getXattr(join(target, 'd'), `${OPTIONS.overlay}.overlay.opaque`), 'y')
    const below = (path: string): Entry | undefined => (path.includes('gone') ? file(path, 1) : undefined)
    const { toc } = await diff(target, below)
    assert.deepEqual(toc, applied)
  })

  test('implied directories take the attributes of the layers below', async () => {
    const toc = tocOf([file('a/b/c', 1)])
    assert.deepEqual(impliedDirectories(toc), ['', 'a', 'a/b'])
    const target = fresh()
    const known = { kind: 'directory', path: 'a', ...COMMON, mode: 0o700, opaque: true } as const
    await applyLayer(await membersOf(toc), target, { ...OPTIONS, implied: path => (path === 'a' ? known : undefined) })
    const { toc: scanned } = await scanTree(target)
    assert.deepEqual(findEntry(scanned, 'a'), { kind: 'directory', path: 'a', ...COMMON, mode: 0o700 })
    assert.equal(findEntry(scanned, 'a/b')?.mode, 0o755)
    assert.equal(findEntry(scanned, 'a/b')?.mtime, 0)
    assert.equal(getXattr(join(target, 'a'), `${OPTIONS.overlay}.overlay.opaque`), undefined)
  })

  test('without ownership everything is made that anyone may make', async () => {
    const target = fresh()
    const toc = tocOf([
      file('f', 3, { uid: 4242, gid: 4242, mode: 0o600 }),
      { kind: 'directory', path: 'd', ...COMMON, uid: 77 },
    ])
    await applyLayer(await membersOf(toc), target, MINE)
    assert.equal(statSync(join(target, 'f')).uid, process.getuid?.())
    assert.equal(statSync(join(target, 'd')).uid, process.getuid?.())
  })
})

describe('hostile layers write nothing outside their folder', () => {
  const raw = (...members: readonly (Partial<TarEntry> & { path: string; content?: string })[]): Buffer =>
    Buffer.concat([
      ...members.flatMap(({ content = '', ...entry }) => [
        encodeHeader({ kind: 'file', ...COMMON, size: content.length, ...entry }),
        Buffer.from(content.padEnd(content === '' ? 0 : 512, '\0')),
      ]),
      END_OF_ARCHIVE,
    ])

  /** `OUTSIDE` in a target stands for a folder that must stay as it is. */
  const TABLE: readonly (readonly [what: string, members: (outside: string) => Buffer, expected: string])[] = [
    [
      'a file through a symlink',
      outside => raw({ path: 'l', kind: 'symlink', target: outside }, { path: 'l/secret', content: 'evil' }),
      'l l/secret',
    ],
    [
      'a file through two symlinks',
      outside =>
        raw(
          { path: 'a', kind: 'symlink', target: '.' },
          { path: 'a/b', kind: 'symlink', target: outside },
          { path: 'a/b/secret', content: 'evil' },
        ),
      'a a/b a/b/secret',
    ],
    [
      'a file onto a symlink',
      outside => raw({ path: 'l', kind: 'symlink', target: `${outside}/secret` }, { path: 'l', content: 'evil' }),
      'l',
    ],
    [
      'a directory onto a symlink',
      outside => raw({ path: 'l', kind: 'symlink', target: outside }, { path: 'l', kind: 'directory', mode: 0o777 }),
      'l',
    ],
    [
      'a whiteout through a symlink',
      outside => raw({ path: 'l', kind: 'symlink', target: outside }, { path: 'l/.wh.secret' }),
      'l',
    ],
    [
      'an opaque mark on a symlink',
      outside => raw({ path: 'l', kind: 'symlink', target: outside }, { path: 'l/.wh..wh..opq' }),
      'l',
    ],
    [
      'a link to a symlink, then a file through it',
      outside =>
        raw(
          { path: 'l', kind: 'symlink', target: outside },
          { path: 'h', kind: 'hardlink', target: 'l' },
          { path: 'h/secret', content: 'evil' },
        ),
      'h h/secret l',
    ],
    [
      'a hard link onto a name, then writing to it',
      outside =>
        raw(
          { path: 'l', kind: 'symlink', target: `${outside}/secret` },
          { path: 'h', kind: 'hardlink', target: 'l' },
          { path: 'h', content: 'evil' },
        ),
      'h l',
    ],
    [
      'a hard link through a symlink',
      outside =>
        raw(
          { path: 'd/secret', content: 'x' },
          { path: 'd', kind: 'symlink', target: outside },
          { path: 'h', kind: 'hardlink', target: 'd/secret' },
        ),
      'LAYER_INVALID',
    ],
    [
      'a file far down that replaces a file',
      () => raw({ path: 'a', content: 'x' }, { path: 'a/b/c', content: 'y' }),
      'a a/b a/b/c',
    ],
    [
      'a file over a full directory',
      () =>
        raw(
          { path: 'a/b/c', content: 'x' },
          { path: 'a/b/d', content: 'x' },
          { path: 'a', content: 'y' },
          { path: 'a/b/e', content: 'z' },
        ),
      'a a/b a/b/e',
    ],
    [
      'a path that leads out',
      () => raw({ path: 'ok', content: 'x' }, { path: '../outside/secret', content: 'evil' }),
      'TAR_PATH_ESCAPES',
    ],
    ['an absolute path stays inside', outside => raw({ path: `${outside}/secret`, content: 'evil' }), ''],
  ]

  for (const [what, members, expected] of TABLE) {
    test(what, async () => {
      const base = fresh()
      const outside = join(base, 'outside')
      const target = join(base, 'tree')
      mkdirSync(outside)
      mkdirSync(target)
      writeFileSync(join(outside, 'secret'), 'untouched')
      const before = lstatSync(outside)
      const applied = applyLayer(readLayer(stream([members(outside)]), 'none'), target, OPTIONS)
      if (/^[A-Z_]+$/.test(expected)) await assert.rejects(applied, { code: expected })
      else {
        const toc = await applied
        const listed = new Set([...toc.entries.map(({ path }) => path), ...impliedDirectories(toc)])
        const found = (await diff(target)).toc
        if (expected !== '') assert.equal(found.entries.map(({ path }) => path).join(' '), expected)
        for (const { path } of found.entries) assert.ok(listed.has(path), path)
      }
      assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'untouched')
      assert.deepEqual(readdirSync(outside), ['secret'])
      assert.equal(lstatSync(outside).mode, before.mode)
      assert.equal(lstatSync(join(outside, 'secret')).nlink, 1)
      assert.deepEqual(readdirSync(base).sort(), ['outside', 'tree'])
    })
  }
})
