import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checksum, FIELD, type TarEntry } from './header.ts'
import { paxRecord } from './pax.ts'
import { readTar, type TarMember } from './read.ts'
import { END_OF_ARCHIVE, encodeHeader } from './write.ts'

const PLAIN = { mode: 0o644, uid: 0, gid: 0, mtime: 1, mtimeNs: 0 } as const

function file(path: string, content: string | Buffer, more: Partial<TarEntry> = {}): Buffer {
  const bytes = Buffer.from(content)
  const header = encodeHeader({ kind: 'file', path, ...PLAIN, size: bytes.length, ...more })
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}

/** A member of any type with the checksum made right. */
function raw(type: string, name: string, body: Buffer | string, patch: (block: Buffer) => void = () => {}): Buffer {
  const bytes = Buffer.from(body as string, 'latin1')
  const block = encodeHeader({ kind: 'file', path: name, ...PLAIN, size: bytes.length })
  block.write(type, FIELD.type[0], 'latin1')
  patch(block)
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, FIELD.checksum[0], 'latin1')
  return Buffer.concat([block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function readAll(archive: Buffer, chunk = 65536): Promise<{ member: TarMember; content: string }[]> {
  const out = []
  for await (const member of readTar(pieces(archive, chunk))) {
    const parts: Uint8Array[] = []
    for await (const part of member.content) parts.push(part)
    out.push({ member, content: Buffer.concat(parts).toString('latin1') })
  }
  return out
}

const archive = (...members: Buffer[]): Buffer => Buffer.concat([...members, END_OF_ARCHIVE])

const ENTRIES: readonly TarEntry[] = [
  { kind: 'directory', path: '', ...PLAIN },
  { kind: 'directory', path: 'd', ...PLAIN, mode: 0o7777 },
  { kind: 'directory', path: 'e'.repeat(100), ...PLAIN },
  { kind: 'symlink', path: 'l', ...PLAIN, target: '../../etc/passwd' },
  { kind: 'symlink', path: 'long-target', ...PLAIN, target: 't/'.repeat(200) },
  { kind: 'hardlink', path: 'h', ...PLAIN, target: 'd/f' },
  { kind: 'char', path: 'c', ...PLAIN, major: 4095, minor: 1048575 },
  { kind: 'block', path: 'b', ...PLAIN, major: 8, minor: 1 },
  { kind: 'fifo', path: 'p', ...PLAIN },
  { kind: 'fifo', path: 'times', ...PLAIN, mtime: -7, mtimeNs: 123_456_789 },
  { kind: 'fifo', path: 'far-future', ...PLAIN, mtime: 9_999_999_999, mtimeNs: 1 },
  { kind: 'fifo', path: 'owners', ...PLAIN, uid: 2_097_151, gid: 4_294_967_294 },
  { kind: 'fifo', path: 'xattrs', ...PLAIN, xattrs: [{ name: 'security.capability', value: '\x01\0\0\x02\n=' }] },
  { kind: 'fifo', path: `\xff${'\xe9'.repeat(120)}`, ...PLAIN },
  { kind: 'fifo', path: `${'p'.repeat(154)}/${'n'.repeat(100)}`, ...PLAIN },
  { kind: 'fifo', path: `${'p'.repeat(156)}/${'n'.repeat(100)}`, ...PLAIN },
  { kind: 'fifo', path: `${'p/'.repeat(1000)}n`, ...PLAIN },
]

test('every entry reads back as it was written, whatever the chunks', async () => {
  const bytes = archive(
    ...ENTRIES.map(encodeHeader),
    file('f', 'x'.repeat(1000)),
    file('big', Buffer.alloc(200_000, 1)),
  )
  for (const chunk of [1, 511, 512, 513, 4096, 1 << 20]) {
    const members = await readAll(bytes, chunk)
    assert.equal(members.length, ENTRIES.length + 2)
    ENTRIES.forEach((entry, i) => {
      const expected = {
        size: 0,
        target: '',
        major: 0,
        minor: 0,
        xattrs: [],
        ...entry,
        path: entry.path === '' ? '.' : entry.path,
      }
      assert.deepEqual(members[i]?.member.header, expected)
    })
    assert.equal(members.at(-2)?.content, 'x'.repeat(1000))
    assert.equal(members.at(-1)?.content, '\x01'.repeat(200_000))
  }
})

test('what is not read of a member is passed over', async () => {
  const names = []
  for await (const { header } of readTar(pieces(archive(file('a', Buffer.alloc(300_000)), file('b', 'b')), 1000)))
    names.push(header.path)
  assert.deepEqual(names, ['a', 'b'])
})

test('sizes beyond 8 GiB are written in pax and read from pax and base 256', async () => {
  const size = 9 * 2 ** 30
  const header = encodeHeader({ kind: 'file', path: 'big', ...PLAIN, size })
  const iterator = readTar(pieces(header, 512))
  assert.equal((await iterator.next()).value?.header.size, size)
  const base256 = raw('0', 'big', '', block => {
    block.fill(0, 124, 136)
    block[124] = 0x80
    block.writeBigUInt64BE(BigInt(size), 128)
  })
  assert.equal((await readTar(pieces(base256, 512)).next()).value?.header.size, size)
})

test('a base-256 time may be negative', async () => {
  const member = raw('0', 'old', '', block => {
    block.fill(0xff, 136, 148)
    block[147] = 0xfb
  })
  assert.equal((await readAll(archive(member)))[0]?.member.header.mtime, -5)
})

test('global headers hold until they are taken back; own records win', async () => {
  const global = raw('g', 'g', paxRecord('uid', '7') + paxRecord('comment', 'x') + paxRecord('mtime', '5.5'))
  const own = raw('x', 'x', paxRecord('uid', '8') + paxRecord('hdrcharset', 'BINARY') + paxRecord('path', '\xff'))
  const members = await readAll(
    archive(global, file('a', ''), own, file('b', ''), raw('g', 'g', paxRecord('uid', '')), file('c', '')),
  )
  assert.deepEqual(
    members.map(({ member: { header } }) => [header.path, header.uid, header.mtime, header.mtimeNs]),
    [
      ['a', 7, 5, 500_000_000],
      ['\xff', 8, 5, 500_000_000],
      ['c', 0, 5, 500_000_000],
    ],
  )
})

test('GNU long names and links, v7 directories, contiguous files, labels and links with a size', async () => {
  const long = 'n'.repeat(300)
  const members = await readAll(
    archive(
      raw('V', 'label', ''),
      raw('L', '././@LongLink', `${long}\0`),
      raw('K', '././@LongLink', `${long}t\0`),
      raw('2', 'short', ''),
      raw('0', 'v7dir/', ''),
      raw('\0', 'old', 'content'),
      raw('7', 'contiguous', 'content'),
      // Old writers note the file's size in a hard link without data.
      raw('1', 'link', '', block => block.write('00000001750', 124)),
      raw('D', 'dump', 'Yname\0'),
      file('last', 'z'),
    ),
  )
  assert.deepEqual(
    members.map(({ member: { header }, content }) => [header.kind, header.path, header.target, content]),
    [
      ['symlink', long, `${long}t`, ''],
      ['directory', 'v7dir', '', ''],
      ['file', 'old', '', 'content'],
      ['file', 'contiguous', '', 'content'],
      ['hardlink', 'link', '', ''],
      ['directory', 'dump', '', ''],
      ['file', 'last', '', 'z'],
    ],
  )
})

test('an archive may end without its zero blocks, or with many', async () => {
  assert.equal((await readAll(file('a', 'x'))).length, 1)
  assert.equal((await readAll(Buffer.concat([file('a', 'x'), Buffer.alloc(512)]))).length, 1)
  assert.equal((await readAll(Buffer.concat([file('a', 'x'), Buffer.alloc(102_400)]))).length, 1)
  assert.equal((await readAll(Buffer.alloc(0))).length, 0)
})

const good = file('some/name', 'content')
const sparse = (map: string, size: string, body: string): Buffer =>
  Buffer.concat([
    raw(
      'x',
      'x',
      paxRecord('GNU.sparse.map', map) + paxRecord('GNU.sparse.size', size) + paxRecord('GNU.sparse.numblocks', '1'),
    ),
    raw('0', 'some/name', body),
  ])

const HOSTILE: readonly (readonly [what: string, bytes: Buffer, code: string, message?: RegExp])[] = [
  [
    'a wrong checksum',
    Buffer.concat([good.subarray(0, 10), Buffer.from('X'), good.subarray(11)]),
    'TAR_HEADER_INVALID',
    /at byte 0/,
  ],
  ['no tar at all', Buffer.from('hello '.repeat(200)), 'TAR_HEADER_INVALID'],
  ['a cut content', good.subarray(0, 515), 'TAR_TRUNCATED', /"some\/name" at byte 0/],
  ['a cut header', Buffer.concat([good, good.subarray(0, 100)]), 'TAR_TRUNCATED', /at byte 1024/],
  [
    'a cut large content',
    file('some/name', Buffer.alloc(100_000)).subarray(0, 70_000),
    'TAR_TRUNCATED',
    /"some\/name" at byte 0/,
  ],
  ['a missing padding', good.subarray(0, 519), 'TAR_TRUNCATED'],
  ['an extended header without a member', archive(raw('x', 'x', paxRecord('path', 'a'))), 'TAR_TRUNCATED'],
  ['an extended header at the very end', raw('x', 'x', paxRecord('path', 'a')), 'TAR_TRUNCATED'],
  ['trailing garbage', Buffer.concat([archive(good), Buffer.from('garbage')]), 'TAR_TRAILING_GARBAGE', /at byte 2048/],
  ['a member after a zero block', Buffer.concat([Buffer.alloc(512), good]), 'TAR_TRAILING_GARBAGE'],
  ['a huge pax header', raw('x', 'x', '', block => block.write('77777777777', 124)), 'TAR_TOO_LARGE'],
  ['a huge long name', raw('L', 'x', '', block => block.write('77777777777', 124)), 'TAR_TOO_LARGE'],
  [
    'endless global headers',
    Buffer.concat(Array.from({ length: 12 }, (_, i) => raw('g', 'g', paxRecord(`k${i}`, 'v'.repeat(99_999))))),
    'TAR_TOO_LARGE',
  ],
  ['a malformed pax header', raw('x', 'x', 'rubbish'), 'TAR_PAX_INVALID'],
  ['a negative pax size', Buffer.concat([raw('x', 'x', paxRecord('size', '-1')), good]), 'TAR_PAX_INVALID'],
  ['a pax time that is none', Buffer.concat([raw('x', 'x', paxRecord('mtime', 'now')), good]), 'TAR_PAX_INVALID'],
  ['a negative size', raw('0', 'a', '', block => block.fill(0xff, 124, 136)), 'TAR_HEADER_INVALID'],
  ['a size that is no number', raw('0', 'a', '', block => block.write('zzz', 124)), 'TAR_HEADER_INVALID'],
  [
    'a size beyond 2^53',
    raw('0', 'a', '', block => block.fill(0x7f, 125, 136).fill(0x80, 124, 125)),
    'TAR_HEADER_INVALID',
  ],
  ['an unknown type', raw('Z', 'a', ''), 'TAR_UNSUPPORTED', /"a"/],
  ['a part of a multi-volume file', raw('M', 'a', ''), 'TAR_UNSUPPORTED'],
  ['a sparse map out of order', sparse('5,1,0,1', '10', 'ab'), 'TAR_SPARSE_INVALID'],
  ['a sparse map beyond its file', sparse('9,2', '10', 'ab'), 'TAR_SPARSE_INVALID'],
  ['a sparse map beyond its data', sparse('0,9', '10', 'ab'), 'TAR_SPARSE_INVALID'],
  ['a sparse map of odd length', sparse('0,9,1', '10', 'ab'), 'TAR_SPARSE_INVALID'],
  ['a sparse map of letters', sparse('a,b', '10', 'ab'), 'TAR_SPARSE_INVALID'],
]

for (const [what, bytes, code, message = /./] of HOSTILE) {
  test(`refuses ${what}`, async () => {
    for (const chunk of [100, 1 << 20])
      await assert.rejects(readAll(bytes, chunk), { name: 'ShaleError', code, message })
  })
}

test('closes its source when the reader stops early', async () => {
  let closed = false
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield archive(good, good)
      yield Buffer.alloc(512)
    } finally {
      closed = true
    }
  }
  for await (const _ of readTar(source())) break
  assert.equal(closed, true)
})
