import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ByteString } from '../../layer/entry.ts'
import { FileStat } from '../../store/file-stat.ts'
import type { ContextFilter } from '../context.ts'
import type { DirectoryReader } from './directory-reader.ts'
import type { FileTable } from './file-table.ts'
import { NodeReader } from './node-reader.ts'
import { nativeReader, Walk } from './scan-folder.ts'

const ALL: ContextFilter = { ignores: () => false, prunes: () => false, keeps: () => true }

type NewReader = () => DirectoryReader | Promise<DirectoryReader>

const READERS: readonly (readonly [name: string, make: NewReader])[] = [
  ['node:fs', () => new NodeReader()],
  ...(process.platform === 'linux'
    ? [['system calls', async () => (await nativeReader()) as DirectoryReader] as const]
    : []),
]

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'shale-scan-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Paths with their stats; the folder itself is ''. */
function nodesOf(table: FileTable, row = 0, path: ByteString = ''): Map<ByteString, FileStat> {
  const found = new Map<ByteString, FileStat>()
  for (const child of table.sortedChildren(row)) {
    const name = path === '' ? table.name(child) : `${path}/${table.name(child)}`
    found.set(name, table.stat(child))
    assert.equal(table.parent(child), row)
    for (const [below, stat] of nodesOf(table, child, name)) found.set(below, stat)
  }
  return found
}

for (const [name, make] of READERS) {
  const scan = async (folder: string, filter = ALL) => new Walk(await make(), filter).run(folder, '') as FileTable

  test(`${name}: every node with lstat's words, names as bytes in order`, async t => {
    const folder = temporaryFolder(t)
    for (const path of ['a', 'a/b', 'a.b', 'empty']) mkdirSync(join(folder, path))
    for (const path of ['a/b/file', 'a/z', 'a.b/x', 'naïve']) writeFileSync(join(folder, path), path)
    writeFileSync(Buffer.from(`${folder}/bytes-\xff\xfe`, 'latin1'), '')
    symlinkSync('nowhere', join(folder, 'link'))
    linkSync(join(folder, 'a/z'), join(folder, 'a/y'))
    execFileSync('mkfifo', [join(folder, 'pipe')])
    chmodSync(join(folder, 'naïve'), 0o4751)
    const table = await scan(folder)
    const found = nodesOf(table)
    const paths = ['a', 'a/b', 'a/b/file', 'a/y', 'a/z', 'a.b', 'a.b/x', 'bytes-\xff\xfe', 'empty', 'link']
    assert.deepEqual([...found.keys()], [...paths, 'na\xc3\xafve', 'pipe'])
    for (const [path, stat] of found) {
      const expected = lstatSync(Buffer.from(`${folder}/${path}`, 'latin1'), { bigint: true })
      assert.ok(stat.equals(FileStat.of(expected)), path)
      assert.equal(stat.type | stat.permissions, Number(expected.mode))
      assert.equal(stat.size, Number(expected.size))
      assert.equal(BigInt(stat.mtime) * 1_000_000_000n + BigInt(stat.mtimeNs), expected.mtimeNs)
      assert.equal(BigInt(stat.ctime) * 1_000_000_000n + BigInt(stat.ctimeNs), expected.ctimeNs)
    }
    assert.equal(found.get('a/y')?.inode, found.get('a/z')?.inode)
    assert.equal(found.get('a/y')?.links, 2)
  })

  test(`${name}: times before 1970 and after 2038, sparse files of more than 4 GiB`, async t => {
    const folder = temporaryFolder(t)
    execFileSync('touch', ['-d', '1960-01-01T00:00:00.25Z', join(folder, 'old')])
    execFileSync('touch', ['-d', '2100-01-01T00:00:00Z', join(folder, 'new')])
    execFileSync('truncate', ['-s', '5000000001', join(folder, 'large')])
    const found = nodesOf(await scan(folder))
    assert.equal(found.get('old')?.mtime, Date.UTC(1960, 0, 1) / 1000)
    assert.equal(found.get('old')?.mtimeNs, 250_000_000)
    assert.equal(found.get('new')?.mtime, Date.UTC(2100, 0, 1) / 1000)
    assert.equal(found.get('large')?.size, 5_000_000_001)
  })

  test(`${name}: what is ignored is not descended into, unless something in it is not`, async t => {
    const folder = temporaryFolder(t)
    for (const path of ['out/deep', 'some/kept', 'none/x']) mkdirSync(join(folder, path), { recursive: true })
    for (const path of ['out/deep/f', 'some/f', 'some/kept/g', 'none/x/f', 'h']) writeFileSync(join(folder, path), '')
    const asked: ByteString[] = []
    const filter = {
      ignores: (path: ByteString) => {
        asked.push(path)
        return /^(?:out|some|none)/.test(path) && path !== 'some/kept/g'
      },
      prunes: (path: ByteString) => path.startsWith('out'),
      keeps: () => false,
    }
    const table = await scan(folder, filter)
    assert.deepEqual([...nodesOf(table).keys()], ['h', 'some', 'some/kept', 'some/kept/g'])
    assert.ok(!asked.includes('out/deep'))
  })

  test(`${name}: a directory that cannot be read is noted`, async t => {
    if (process.getuid?.() === 0) return t.diagnostic('root reads every directory: nothing to see')
    const folder = temporaryFolder(t)
    mkdirSync(join(folder, 'locked'))
    chmodSync(join(folder, 'locked'), 0)
    t.after(() => chmodSync(join(folder, 'locked'), 0o700))
    const table = await scan(folder)
    assert.equal((table.failure(table.sortedChildren(0)[0] as number) as NodeJS.ErrnoException).code, 'EACCES')
    assert.ok(!table.every(() => true))
  })

  test(`${name}: the fingerprint changes with everything but a directory's times`, async t => {
    const folder = temporaryFolder(t)
    mkdirSync(join(folder, 'a'))
    for (const path of ['a/one', 'two']) writeFileSync(join(folder, path), path)
    const print = async () => (await scan(folder)).fingerprint()
    const seen = [await print()]
    execFileSync('touch', ['-d', '2001-01-01', join(folder, 'a')])
    assert.equal(await print(), seen[0])
    const changes: readonly (() => void)[] = [
      () => writeFileSync(join(folder, 'a/three'), ''),
      () => rmSync(join(folder, 'two')),
      () => chmodSync(join(folder, 'a'), 0o711),
      () => linkSync(join(folder, 'a/one'), join(folder, 'four')),
      () => mkdirSync(join(folder, 'a/empty')),
      () => execFileSync('touch', ['-d', '2001-01-01', join(folder, 'a/one')]),
      () => execFileSync('mv', [join(folder, 'a/three'), join(folder, 'three')]),
    ]
    for (const change of changes) {
      change()
      const now = await print()
      assert.ok(!seen.includes(now), String(change))
      seen.push(now)
    }
  })
}

test('a walk gives up at its limit', t => {
  const folder = temporaryFolder(t)
  for (let i = 0; i < 5; i++) writeFileSync(join(folder, String(i)), '')
  assert.equal(new Walk(new NodeReader(), ALL, 5).run(folder, ''), undefined)
  assert.equal(new Walk(new NodeReader(), ALL, 6).run(folder, '')?.count, 6)
})
