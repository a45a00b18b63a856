import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { writeTree } from './apply.ts'
import { type DiffOptions, diffTree } from './diff.ts'
import type { Entry, FileEntry } from './entry.ts'
import { setXattr } from './fs-calls.ts'
import { scanTree } from './scan.ts'
import { findEntry, tocOf } from './toc.ts'
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
  folder = mkdtempSync(join(tmpdir(), 'shale-diff-'))
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

describe('the diff of an upper directory', () => {
  test('what a copy-up left as it was stays out; what changed below stays with its parents', async () => {
    const upper = fresh()
    const base = await writeTree(
      tocOf([
        { kind: 'directory', path: 'same', ...COMMON, mode: 0o755 },
        { kind: 'directory', path: 'same/below', ...COMMON, mode: 0o755 },
        { kind: 'directory', path: 'changed', ...COMMON, mode: 0o755 },
        { kind: 'directory', path: 'touched', ...COMMON, mode: 0o755 },
        file('same/file', 4),
        file('changed/file', 4),
        file('changed/same', 4),
      ]),
      contentOf,
      upper,
      OPTIONS,
    )
    writeFileSync(join(upper, 'changed/file'), 'other')
    const touched = { ...(findEntry(base, 'touched') as Entry), mtime: 1 }
    const lower = (path: string): Entry | undefined => (path === 'touched' ? touched : findEntry(base, path))
    const { toc, open } = await diff(upper, lower)
    assert.deepEqual(
      toc.entries.map(({ path }) => path),
      ['changed', 'changed/file', 'touched'],
    )
    assert.deepEqual(open(toc.entries[1] as FileEntry), { path: join(upper, 'changed/file') })
  })

  test('a link group is kept when some of its names are new, and skipped paths are not looked at', async () => {
    const upper = fresh()
    const base = await writeTree(
      tocOf([file('a', 4), { kind: 'hardlink', path: 'b', ...COMMON, target: 'a' }, file('mnt/x', 1)]),
      contentOf,
      upper,
      OPTIONS,
    )
    const lower = (path: string): Entry | undefined => (path === 'b' ? undefined : findEntry(base, path))
    const { toc } = await diff(upper, lower, { skip: path => path === 'mnt' })
    assert.deepEqual(
      toc.entries.map(({ kind, path }) => `${kind} ${path}`),
      ['file a', 'hardlink b'],
    )
  })

  test('one name of a group whose others are elsewhere is a file of its own', async () => {
    const upper = fresh()
    const other = fresh()
    await writeTree(tocOf([file('a', 4)]), contentOf, upper, OPTIONS)
    linkSync(join(upper, 'a'), join(other, 'a'))
    const { toc } = await diff(upper)
    assert.deepEqual(
      toc.entries.map(({ kind }) => kind),
      ['file'],
    )
  })

  test("overlayfs' attributes are dropped, others kept; a whiteout of nothing is none", async () => {
    const upper = fresh()
    const gone = { kind: 'whiteout', path: 'gone', ...COMMON } as const
    await writeTree(
      tocOf([file('a', 4, { xattrs: [{ name: 'user.keep', value: '1' }] }), gone, { ...gone, path: 'never' }]),
      contentOf,
      upper,
      OPTIONS,
    )
    setXattr(join(upper, 'a'), 'user.overlay.origin', 'x')
    const lower = (path: string): Entry | undefined => (path === 'gone' ? file('gone', 1) : undefined)
    const { toc } = await diff(upper, lower)
    assert.deepEqual(
      toc.entries.map(({ kind, path, xattrs }) => [kind, path, xattrs]),
      [
        ['file', 'a', [{ name: 'user.keep', value: '1' }]],
        ['whiteout', 'gone', undefined],
      ],
    )
  })

  test('the root is listed when its mode changed, not when only its time did', async () => {
    const upper = fresh()
    await writeTree(tocOf([{ kind: 'directory', path: '', ...COMMON, mode: 0o700 }]), contentOf, upper, OPTIONS)
    const root: Entry = { kind: 'directory', path: '', ...COMMON, mode: 0o700, mtime: 1 }
    assert.deepEqual((await diff(upper, () => root)).toc.entries, [])
    assert.equal((await diff(upper)).toc.entries.length, 1)
  })

  test('an aborted scan ends', async () => {
    const upper = fresh()
    for (let i = 0; i < 600; i++) writeFileSync(join(upper, `f${i}`), '')
    await assert.rejects(scanTree(upper, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  })
})
