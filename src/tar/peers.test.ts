import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { TarEntry, TarHeader } from './header.ts'
import { readTar } from './read.ts'
import { END_OF_ARCHIVE, encodeHeader } from './write.ts'

const available = (command: string, ...probe: string[]): boolean => spawnSync(command, probe).status === 0
const GNU_TAR = available('tar', '--version')
const PYTHON = available('python3', '--version')

interface Summary extends Omit<TarHeader, 'xattrs'> {
  readonly sha256: string
}

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'shale-tar-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

async function summaries(archive: string): Promise<Map<string, Summary>> {
  const out = new Map<string, Summary>()
  for await (const { header, content } of readTar(createReadStream(archive))) {
    const hasher = createHash('sha256')
    for await (const chunk of content) hasher.update(chunk)
    const { xattrs: _, ...rest } = header
    out.set(header.path, { ...rest, sha256: hasher.digest('hex') })
  }
  return out
}

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')
const LONG = `${'deep/'.repeat(30)}${'n'.repeat(150)}`

describe('GNU tar writes, we read', { skip: GNU_TAR ? false : 'no GNU tar on this machine' }, () => {
  before(() => {
    const source = join(folder, 'source')
    mkdirSync(join(source, 'deep/'.repeat(30)), { recursive: true })
    writeFileSync(join(source, 'plain'), 'plain content')
    writeFileSync(join(source, LONG), 'long')
    writeFileSync(Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0xff, 0x80])]), 'bytes')
    execFileSync(
      'bash',
      ['-c', `ln plain hard && ln -s ${'t/'.repeat(80)} soft && mkfifo pipe && touch -d @1234567890.123456789 plain`],
      { cwd: source },
    )
    // Data in three places of 3 MiB; holes between.
    execFileSync(
      'bash',
      [
        '-c',
        'truncate -s 3M sparse && for at in 0 1000000 2999999; do printf "data$at" | dd of=sparse bs=1 seek=$at conv=notrunc status=none; done',
      ],
      { cwd: source },
    )
    execFileSync(
      'bash',
      [
        '-c',
        'truncate -s 3M full && for at in 0 1000000 2999999; do printf "data$at" | dd of=full bs=1 seek=$at conv=notrunc status=none; done',
      ],
      { cwd: source },
    )
  })

  const names = ['plain', 'hard', 'soft', 'pipe', LONG]
  for (const [format, files] of [
    ['gnu', names],
    ['oldgnu', names],
    ['posix', names],
    ['ustar', ['plain', 'hard']],
    ['v7', ['plain', 'hard']],
  ] as const) {
    test(format, async () => {
      const archive = join(folder, `${format}.tar`)
      execFileSync('tar', ['--format', format, '-cf', archive, '-C', join(folder, 'source'), ...files])
      const found = await summaries(archive)
      assert.equal(found.size, files.length)
      const plain = found.get('plain')
      assert.equal(plain?.sha256, sha256('plain content'))
      assert.equal(plain?.mtime, 1234567890)
      assert.equal(plain?.mtimeNs, format === 'posix' ? 123456789 : 0)
      assert.equal(found.get('hard')?.target, 'plain')
      if (files.length < names.length) return
      assert.equal(found.get('soft')?.target, 't/'.repeat(80))
      assert.equal(found.get('pipe')?.kind, 'fifo')
      assert.equal(found.get(LONG)?.sha256, sha256('long'))
    })
  }

  for (const [name, flags] of [
    ['old GNU', ['--format=oldgnu']],
    ['GNU', ['--format=gnu']],
    ['pax 0.0', ['--format=posix', '--sparse-version=0.0']],
    ['pax 0.1', ['--format=posix', '--sparse-version=0.1']],
    ['pax 1.0', ['--format=posix', '--sparse-version=1.0']],
  ] as const) {
    test(`sparse file, ${name}`, async () => {
      const archive = join(folder, 'sparse.tar')
      execFileSync('tar', [...flags, '-S', '-cf', archive, '-C', join(folder, 'source'), 'sparse', 'plain'])
      const plainArchive = join(folder, 'full.tar')
      execFileSync('tar', ['-cf', plainArchive, '-C', join(folder, 'source'), 'full'])
      const found = await summaries(archive)
      assert.equal(found.get('sparse')?.size, 3 * 1024 * 1024)
      assert.equal(found.get('sparse')?.sha256, (await summaries(plainArchive)).get('full')?.sha256)
      assert.equal(found.get('plain')?.sha256, sha256('plain content'))
    })
  }

  test('names that are not UTF-8', async () => {
    const archive = join(folder, 'bytes.tar')
    for (const format of ['gnu', 'posix', 'ustar']) {
      execFileSync('bash', ['-c', `tar --format ${format} -cf ${archive} -C ${folder}/source $'\\xff\\x80'`])
      assert.equal((await summaries(archive)).get('\xff\x80')?.sha256, sha256('bytes'))
    }
  })
})

const COMMON = { mode: 0o640, uid: 12, gid: 34, mtime: 1234567890, mtimeNs: 123456789 } as const
const OURS: readonly (TarEntry & { readonly content?: string })[] = [
  { kind: 'directory', path: 'd', ...COMMON, mode: 0o1755 },
  {
    kind: 'file',
    path: 'd/f',
    ...COMMON,
    size: 7,
    content: 'content',
    xattrs: [{ name: 'user.note', value: 'a=b\n' }],
  },
  { kind: 'hardlink', path: 'd/hard', ...COMMON, target: 'd/f' },
  { kind: 'symlink', path: 'd/soft', ...COMMON, target: 't/'.repeat(80) },
  { kind: 'file', path: LONG, ...COMMON, uid: 3_000_000, size: 4, content: 'long' },
  { kind: 'file', path: '\xff\x80', ...COMMON, mtimeNs: 0, size: 1, content: 'x' },
  { kind: 'file', path: `${'\xfe'.repeat(110)}`, ...COMMON, size: 1, content: 'y' },
  { kind: 'file', path: 'old', ...COMMON, mtime: -2, mtimeNs: 750_000_000, size: 0 },
  { kind: 'char', path: 'null', ...COMMON, major: 1, minor: 3 },
  { kind: 'fifo', path: 'pipe', ...COMMON },
]

function writeOurs(path: string): void {
  const parts: Uint8Array[] = []
  for (const { content = '', ...entry } of OURS) {
    parts.push(encodeHeader(entry), Buffer.from(content, 'latin1'), Buffer.alloc((512 - (content.length % 512)) % 512))
  }
  writeFileSync(path, Buffer.concat([...parts, END_OF_ARCHIVE]))
}

describe('we write, others read', () => {
  test('GNU tar lists it without a complaint', { skip: GNU_TAR ? false : 'no GNU tar on this machine' }, () => {
    const archive = join(folder, 'ours.tar')
    writeOurs(archive)
    const { status, stdout, stderr } = spawnSync(
      'tar',
      ['-tvf', archive, '--full-time', '--xattrs', '--numeric-owner', '--quoting-style=c'],
      {
        encoding: 'latin1',
        env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
      },
    )
    assert.equal(stderr, '')
    assert.equal(status, 0)
    const lines = stdout.split('\n').map(line => line.replace(/\s+/g, ' '))
    const time = '2009-02-13 23:31:30.123456789'
    assert.deepEqual(lines.slice(0, 3), [
      `drwxr-xr-t 12/34 0 ${time} "d/"`,
      `-rw-r-----* 12/34 7 ${time} "d/f"`,
      `hrw-r----- 12/34 0 ${time} "d/hard" link to "d/f"`,
    ])
    assert.ok(lines.includes(`-rw-r----- 3000000/34 4 ${time} "${LONG}"`), stdout)
    assert.ok(lines.includes(`-rw-r----- 12/34 1 2009-02-13 23:31:30 "\\377\\200"`), stdout)
    assert.ok(lines.includes(`crw-r----- 12/34 1,3 ${time} "null"`), stdout)
  })

  test('GNU tar extracts content, links and times to the nanosecond', {
    skip: GNU_TAR ? false : 'no GNU tar on this machine',
  }, () => {
    const archive = join(folder, 'ours-extracted.tar')
    const target = join(folder, 'extracted')
    writeOurs(archive)
    mkdirSync(target)
    const result = spawnSync('tar', ['-xf', archive, '-C', target, '--no-same-owner', 'd', 'old', LONG], {
      encoding: 'utf8',
    })
    assert.equal(result.status, 0, result.stderr)
    const stat = (path: string) => lstatSync(join(target, path), { bigint: true })
    assert.equal(readFileSync(join(target, 'd/hard'), 'utf8'), 'content')
    assert.equal(readFileSync(join(target, LONG), 'utf8'), 'long')
    assert.equal(stat('d/hard').ino, stat('d/f').ino)
    assert.equal(stat('d/f').mtimeNs, 1234567890123456789n)
    assert.equal(stat('old').mtimeNs, -1_250_000_000n)
  })

  test("Python's tarfile reads all of it", { skip: PYTHON ? false : 'no python3 on this machine' }, () => {
    const archive = join(folder, 'ours-python.tar')
    writeOurs(archive)
    const script = `
import json, sys, tarfile
out = []
for m in tarfile.open(sys.argv[1]):
    data = m.isreg() and tarfile.open(sys.argv[1]).extractfile(m).read().decode() or ''
    name = m.name.encode('utf-8', 'surrogateescape').decode('latin-1')
    xattrs = {k: v for k, v in m.pax_headers.items() if 'xattr' in k}
    out.append([m.type.decode(), name, m.mode, m.uid, m.gid, m.size, str(m.mtime), m.linkname, xattrs, data])
print(json.dumps(out))
`
    const rows = JSON.parse(execFileSync('python3', ['-c', script, archive], { encoding: 'utf8' })) as unknown[][]
    assert.equal(rows.length, OURS.length)
    assert.deepEqual(rows[1], [
      '0',
      'd/f',
      0o640,
      12,
      34,
      7,
      '1234567890.1234567',
      '',
      { 'SCHILY.xattr.user.note': 'a=b\n' },
      'content',
    ])
    assert.deepEqual(
      rows.map(row => row[1]),
      OURS.map(({ path }) => path),
    )
    assert.deepEqual(
      rows.map(row => row[7]),
      OURS.map(({ target = '' }) => target),
    )
    assert.deepEqual(
      rows.map(row => row[9]),
      OURS.map(({ kind, content = '' }) => (kind === 'file' ? content : '')),
    )
  })

  test("we read Python's formats", { skip: PYTHON ? false : 'no python3 on this machine' }, async () => {
    const script = `
import io, sys, tarfile
for name, format in (('ustar', tarfile.USTAR_FORMAT), ('gnu', tarfile.GNU_FORMAT), ('pax', tarfile.PAX_FORMAT)):
    with tarfile.open(f'{sys.argv[1]}/python-{name}.tar', 'w', format=format) as t:
        i = tarfile.TarInfo('a/' + 'b' * 90 + '/' + ('c' * 80 if name == 'ustar' else 'c' * 180))
        i.size, i.mtime, i.uid = 3, 1.5 if name == 'pax' else 1, 5
        t.addfile(i, io.BytesIO(b'abc'))
        if name == 'gnu':
            i = tarfile.TarInfo('huge-owner'); i.uid = 2**31; t.addfile(i)
`
    execFileSync('python3', ['-c', script, folder])
    for (const name of ['ustar', 'gnu', 'pax']) {
      const [first, second] = [...(await summaries(join(folder, `python-${name}.tar`))).values()]
      assert.equal(first?.sha256, sha256('abc'))
      assert.equal(first?.path.length, name === 'ustar' ? 173 : 273)
      assert.equal(first?.mtimeNs, name === 'pax' ? 500_000_000 : 0)
      if (name === 'gnu') assert.equal(second?.uid, 2 ** 31)
    }
  })
})
