import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { imageOf, tarOf } from '../../src/transfer/testing.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { bench } from './bench.ts'
import { pax, type RawMember, rawMember, rawTar } from './raw-tar.ts'

interface Row {
  readonly what: string
  /** The hostile layer, for a folder outside that it is after. */
  readonly layer: (outside: string) => Buffer
  /** What is said when it is refused, with the member's name; without it the image loads, and its container starts. */
  readonly refused?: RegExp
  readonly limit?: string
}

const UP = '../'.repeat(20)
const members =
  (...list: readonly RawMember[]) =>
  () =>
    rawTar(...list)
const zeros = Buffer.alloc(64 * 1024 * 1024)

const ROWS: readonly Row[] = [
  { what: 'an absolute path', layer: out => rawTar({ name: `${out}/canary`, content: 'x' }) },
  {
    what: 'a path with ..',
    layer: out => rawTar({ name: `${UP}${out.slice(1)}/canary`, content: 'x' }),
    refused: /canary" leads out of/,
  },
  {
    what: 'a path with .. in the middle',
    layer: members({ name: 'a/../../../etc/x', content: 'x' }),
    refused: /a\/\.\.\/\.\.\/\.\.\/etc\/x/,
  },
  {
    what: 'a write through a symbolic link',
    layer: out => rawTar({ name: 'link', type: '2', link: out }, { name: 'link/canary', content: 'x' }),
  },
  {
    what: 'a write through a chain of relative symbolic links',
    layer: out =>
      rawTar(
        { name: 'a', type: '2', link: 'b' },
        { name: 'b', type: '2', link: `${UP}${out.slice(1)}` },
        { name: 'a/canary', content: 'x' },
        { name: 'b/new', content: 'x' },
      ),
  },
  {
    what: 'a symbolic link put where a directory was',
    layer: out =>
      rawTar({ name: 'd/', type: '5' }, { name: 'd', type: '2', link: out }, { name: 'd/canary', content: 'x' }),
  },
  {
    what: 'a hard link to outside',
    layer: out => rawTar({ name: 'h', type: '1', link: `${out}/canary` }),
    refused: /h.*canary/,
  },
  {
    what: 'a hard link with ..',
    layer: out => rawTar({ name: 'h', type: '1', link: `${UP}${out.slice(1)}/canary` }),
    refused: /canary/,
  },
  {
    what: 'a hard link through a symbolic link',
    layer: out =>
      rawTar(
        { name: 'link', type: '2', link: out },
        { name: 'h', type: '1', link: 'link/canary' },
        { name: 'h', content: 'x' },
      ),
    refused: /link\/canary/,
  },
  {
    what: 'a whiteout of ..',
    layer: members({ name: 'etc/.wh...' }),
    refused: /\.wh\.\.\./,
  },
  {
    what: 'a file in the place of the root',
    layer: members({ name: './', type: '0' }, { name: '.', type: '2', link: '/' }),
    refused: /"\.".*root/,
  },
  {
    what: 'devices',
    layer: members(
      { name: 'dev/null2', type: '3', major: 1, minor: 3 },
      { name: 'dev/disk', type: '4', major: 8, minor: 0 },
      { name: 'pipe', type: '6' },
    ),
  },
  {
    what: 'duplicates of every kind',
    layer: members(
      { name: 'x', content: 'a' },
      { name: 'x/', type: '5' },
      { name: 'x/y', content: 'b' },
      { name: 'x', type: '2', link: '/' },
      { name: 'x', content: 'last' },
      { name: './x', content: 'very last' },
    ),
  },
  {
    what: 'a name of 5,000 bytes',
    layer: members(pax({ path: 'n'.repeat(5000) }), { name: 'short' }),
    refused: /nnnnnn.*(long|bytes)/,
  },
  {
    what: 'a name of 5,000 bytes in GNU form',
    layer: members({ name: '././@LongLink', type: 'L', content: 'a/'.repeat(2500) }, { name: 'short' }),
    refused: /a\/a\/a.*(long|bytes)/,
  },
  {
    what: 'a part of a name of 300 bytes',
    layer: members(pax({ path: `ok/${'n'.repeat(300)}` }), { name: 'short' }),
    refused: /nnnnnn.*(long|bytes)/,
  },
  {
    what: 'a declared 10 GiB',
    layer: () => rawMember({ name: 'large', size: '120000000000', content: 'x' }),
    refused: /"large".*ends inside/,
  },
  {
    what: 'a negative size',
    layer: members({ name: 'minus', size: Buffer.alloc(12, 0xff) }),
    refused: /"minus".*size is negative/,
  },
  {
    what: 'a size that overflows',
    layer: members({ name: 'over', size: Buffer.from(`\x80${'\x7f'.repeat(11)}`, 'latin1') }),
    refused: /"over".*size/,
  },
  {
    what: 'a size in letters',
    layer: members({ name: 'letters', size: 'a few bytes\0' }),
    refused: /"letters".*size/,
  },
  {
    what: 'a wrong checksum',
    layer: members({ name: 'ok' }, { name: 'wrong', spoil: header => header.write('y', 0) }),
    refused: /"yrong" at byte 512.*checksum/,
  },
  {
    what: 'a pax header of 10 MB',
    layer: members({ name: 'p', type: 'x', content: Buffer.alloc(10_000_000, 'x') }, { name: 'a' }),
    refused: /"p".*10000000 bytes/,
  },
  {
    what: 'a pax record without a length',
    layer: members({ name: 'p', type: 'x', content: '10 abc=de\nabcde=f\n' }, { name: 'a' }),
    refused: /"p".*malformed record at byte 10/,
  },
  {
    what: 'attributes of 1 MB for each of 600 files',
    layer: () => {
      const large = Object.fromEntries(
        Array.from({ length: 15 }, (_, i) => [`SCHILY.xattr.user.${i}`, 'v'.repeat(65_000)]),
      )
      const one = rawMember(pax(large))
      return Buffer.concat(Array.from({ length: 600 }, (_, i) => [one, rawMember({ name: `f${i}` })]).flat())
    },
    refused: /"f\d+".*extended attributes/,
  },
  {
    what: 'a sparse file that says it has 8 PB',
    layer: members(
      pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9000000000000000' }),
      { name: 'holes', content: Buffer.concat([Buffer.from('0\n'), Buffer.alloc(510)]) },
    ),
    refused: /more than 68719476736 bytes/,
  },
  {
    what: 'a sparse file whose map lies',
    layer: members(pax({ 'GNU.sparse.map': '0,1000000', 'GNU.sparse.size': '1000000' }), {
      name: 'lies',
      content: 'x',
    }),
    refused: /"lies".*sparse/,
  },
  {
    what: 'a gigabyte of content behind a limit',
    layer: () => Buffer.concat([rawMember({ name: 'large', size: '10000000000\0' }), ...Array(16).fill(zeros)]),
    refused: /more than 104857600 bytes/,
    limit: '100m',
  },
  {
    what: 'a gigabyte of nothing after the end',
    layer: () => Buffer.concat([rawTar({ name: 'a' }), ...Array(16).fill(zeros)]),
    refused: /SHALE_MAX_LAYER_SIZE/,
    limit: '100m',
  },
]

/** Members of gzip and frames of zstd for each part: what repeats is compressed once. */
function bomb(plain: Buffer, compression: 'gzip' | 'zstd'): Buffer {
  const compress = compression === 'gzip' ? gzipSync : zstdCompressSync
  const known = new Map<string, Buffer>()
  const parts: Buffer[] = []
  for (let at = 0; at < plain.length; at += zeros.length) {
    const part = plain.subarray(at, at + zeros.length)
    const key = part.length === zeros.length && part.equals(zeros) ? 'zeros' : String(at)
    const packed = known.get(key) ?? compress(part)
    known.set(key, packed)
    parts.push(packed)
  }
  return Buffer.concat(parts)
}

const rootfs = await busyboxRootfs()
const EXECUTABLE = rawTar({ name: 'bin/true', content: await readFile(join(rootfs, 'bin/busybox')) })
const FORMS = ['none', 'gzip', 'zstd'] as const

for (const [index, { what, layer, refused, limit }] of ROWS.entries()) {
  test(`a layer with ${what}`, async t => {
    const { call, outside, folder, checkOutside, checkStoreEmpty } = await bench(t)
    const plain = layer(outside)
    const form = limit === undefined ? (FORMS[index % 3] ?? 'none') : index % 2 === 0 ? 'gzip' : 'zstd'
    const packed = form === 'none' ? plain : bomb(plain, form)
    const image = imageOf({ layers: [EXECUTABLE, plain], compression: 'none' })
    const archive = join(folder, 'image.tar')
    const manifest = JSON.stringify([{ Config: 'c.json', RepoTags: ['hostile:1'], Layers: ['base.tar', 'evil.tar'] }])
    await writeFile(
      archive,
      tarOf({ 'c.json': image.config, 'base.tar': EXECUTABLE, 'evil.tar': packed, 'manifest.json': manifest }),
    )
    const loaded = await call(['load', '-i', archive], { env: { SHALE_MAX_LAYER_SIZE: limit } })
    if (refused === undefined) {
      assert.equal(loaded.code, 0, loaded.stderr)
      // Unpacked at last, as a tree: this is where anything could be written.
      const ran = await call(['run', '--rm', 'hostile:1', '/bin/true'])
      assert.equal(ran.code, 0, ran.stderr)
    } else {
      assert.equal(loaded.code, 1, loaded.stderr)
      assert.match(loaded.stderr, refused)
      assert.match(loaded.stderr, /image\.tar: layer sha256:[0-9a-f]{64}/)
      await checkStoreEmpty()
    }
    await checkOutside()
  })
}
