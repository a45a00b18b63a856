import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { sha256 } from '../oci/digest.ts'
import type { TarEntry } from '../tar/header.ts'
import { END_OF_ARCHIVE, encodeHeader } from '../tar/write.ts'
import { decompress, sniffCompression } from './compression.ts'
import { indexLayer, readLayer } from './read.ts'
import { skippableFrame } from './seek-table.ts'

const COMMON = { mode: 0o644, uid: 0, gid: 0, mtime: 1, mtimeNs: 0 } as const

function tarOf(...entries: readonly (Partial<TarEntry> & { path: string; content?: string })[]): Buffer {
  const parts = entries.flatMap(({ content = '', ...entry }) => {
    const header = encodeHeader({ kind: 'file', ...COMMON, size: content.length, ...entry })
    return [header, Buffer.from(content), Buffer.alloc((512 - (content.length % 512)) % 512)]
  })
  return Buffer.concat([...parts, END_OF_ARCHIVE])
}

async function* chunks(bytes: Buffer, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return Buffer.concat(parts)
}

const SKIPPED = skippableFrame(Buffer.from('y'.repeat(5000)))

describe('decompression', () => {
  const text = Buffer.from('some text '.repeat(100_000))
  const [first, second] = [text.subarray(0, 300_000), text.subarray(300_000)]
  for (const [what, bytes, compression] of [
    ['plain', text, 'none'],
    ['gzip', gzipSync(text), 'gzip'],
    ['gzip of two members', Buffer.concat([gzipSync(first), gzipSync(second)]), 'gzip'],
    ['zstd', zstdCompressSync(text), 'zstd'],
    ['zstd of two frames', Buffer.concat([zstdCompressSync(first), zstdCompressSync(second)]), 'zstd'],
    [
      'zstd with skippable frames before, between and after',
      Buffer.concat([SKIPPED, zstdCompressSync(first), SKIPPED, SKIPPED, zstdCompressSync(second), SKIPPED]),
      'zstd',
    ],
  ] as const) {
    test(what, async () => {
      assert.equal(sniffCompression(bytes), compression)
      for (const size of [100, 4096, 1 << 22])
        assert.ok((await collect(decompress(chunks(bytes, size), compression))).equals(text))
    })
    if (compression === 'none' || what.includes('skippable')) continue
    test(`${what}, cut or damaged`, async () => {
      const damaged = Buffer.from(bytes)
      damaged.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 20)
      for (const bad of [
        bytes.subarray(0, bytes.length >> 1),
        bytes.subarray(0, -1),
        damaged,
        Buffer.from('no such thing'),
      ]) {
        await assert.rejects(collect(decompress(chunks(bad), compression)), { code: 'LAYER_DAMAGED' })
      }
    })
  }

  test("the source's own error comes through", async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield gzipSync(text).subarray(0, 100)
      throw new Error('connection lost')
    }
    await assert.rejects(collect(decompress(failing(), 'gzip')), /connection lost/)
  })

  test('stopping early closes the source', async () => {
    let closed = false
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield gzipSync(text)
      } finally {
        closed = true
      }
    }
    for await (const _ of decompress(source(), 'gzip')) break
    while (!closed) await new Promise(resolve => setImmediate(resolve))
  })
})

describe('a layer as it streams by', () => {
  test('cleans paths and knows whiteouts, opaque marks and what aufs left', async () => {
    const tar = tarOf(
      { path: './', kind: 'directory' },
      { path: '/etc', kind: 'directory' },
      { path: './etc/.wh.passwd' },
      { path: 'etc/.wh..wh..opq' },
      { path: '.wh..wh.plnk', kind: 'directory' },
      { path: '.wh..wh.plnk/1.2' },
      { path: '.wh.gone' },
      {
        path: 'etc//hosts',
        content: 'x',
        xattrs: [
          { name: 'trusted.overlay.redirect', value: '/' },
          { name: 'user.overlay.metacopy', value: '' },
          { name: 'user.a', value: 'b' },
        ],
      },
      { path: 'link', kind: 'hardlink', target: './etc/hosts' },
    )
    const seen: unknown[] = []
    for await (const { entry } of readLayer(chunks(tar), 'none')) seen.push(`${entry.kind} ${entry.path}`)
    assert.deepEqual(seen, [
      'directory ',
      'directory etc',
      'whiteout etc/passwd',
      'opaque etc',
      'whiteout gone',
      'file etc/hosts',
      'hardlink link',
    ])
    const { toc } = await indexLayer(chunks(tar), 'none')
    assert.deepEqual(toc.entries.find(({ path }) => path === 'etc/hosts')?.xattrs, [{ name: 'user.a', value: 'b' }])
  })

  test('the diff ID is verified at the end', async () => {
    const tar = tarOf({ path: 'a', content: 'x' })
    assert.equal((await indexLayer(chunks(gzipSync(tar)), 'gzip', { diffId: sha256(tar) })).diffId, sha256(tar))
    await assert.rejects(indexLayer(chunks(tar), 'none', { diffId: sha256('') }), { code: 'LAYER_DIFF_ID_MISMATCH' })
  })

  test('members and bytes are bounded', async () => {
    const tar = tarOf({ path: 'a', content: 'xx' }, { path: 'b', content: 'yy' })
    await indexLayer(chunks(tar), 'none', { maxEntries: 2, maxSize: 4 })
    await assert.rejects(indexLayer(chunks(tar), 'none', { maxEntries: 1 }), { code: 'LAYER_TOO_LARGE' })
    await assert.rejects(indexLayer(chunks(tar), 'none', { maxSize: 3 }), { code: 'LAYER_TOO_LARGE' })
  })

  for (const [what, tar, code] of [
    ['a path that leads out', tarOf({ path: '../a' }), 'TAR_PATH_ESCAPES'],
    ['a path that leads out by a detour', tarOf({ path: 'a/../../b' }), 'TAR_PATH_ESCAPES'],
    [
      'a hard link that leads out',
      tarOf({ path: 'a', kind: 'hardlink', target: '../../etc/shadow' }),
      'TAR_PATH_ESCAPES',
    ],
    [
      'a hard link to what is not there',
      tarOf({ path: 'a', kind: 'hardlink', target: '/etc/shadow' }),
      'LAYER_INVALID',
    ],
    ['a whiteout of nothing', tarOf({ path: 'a/.wh.' }), 'LAYER_INVALID'],
    ['a whiteout of the directory itself', tarOf({ path: 'a/.wh..' }), 'LAYER_INVALID'],
    ['a whiteout of the parent', tarOf({ path: 'a/.wh...' }), 'LAYER_INVALID'],
    ['a file as the root', tarOf({ path: '.' }), 'LAYER_INVALID'],
    ['a symlink as the root', tarOf({ path: './', kind: 'symlink', target: '/' }), 'LAYER_INVALID'],
    ['a symlink to nowhere', tarOf({ path: 'a', kind: 'symlink', target: '' }), 'LAYER_INVALID'],
  ] as const) {
    test(`refuses ${what}`, async () => {
      await assert.rejects(indexLayer(chunks(tar), 'none'), { code })
    })
  }
})
