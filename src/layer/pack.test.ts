import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { sha256 } from '../oci/digest.ts'
import { type Compression, MediaType } from '../oci/media-types.ts'
import type { Entry, FileEntry } from './entry.ts'
import { FRAMES_ANNOTATION, type PackedLayer, type PackOptions, packLayer, TOC_ANNOTATION } from './pack.ts'
import { indexLayer } from './read.ts'
import { decodeSeekTable } from './seek-table.ts'
import { type Toc, tocOf } from './toc.ts'
import { contentId, decodeToc, tocDigest } from './toc-codec.ts'

const COMMON = { mode: 0o644, uid: 0, gid: 0, mtime: 1_700_000_000, mtimeNs: 0 } as const
const folder = mkdtempSync(join(tmpdir(), 'shale-pack-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Content of a given size that differs by name and compresses a little. */
function contentOf({ path, size }: FileEntry): Buffer {
  const out = Buffer.alloc(size)
  let seed = path.length + path.charCodeAt(path.length - 1) * 7919
  for (let i = 0; i < size; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    out[i] = seed >>> 28
  }
  return out
}

const file = (path: string, size: number): Entry => ({ kind: 'file', path, ...COMMON, size, digest: '' })

/** 900 small files and one of 9 MB: several frames. */
const LARGE: Toc = tocOf([
  { kind: 'directory', path: 'd', ...COMMON, mode: 0o755, opaque: true },
  ...Array.from({ length: 900 }, (_, i) => file(`d/file-${i}`, 1000 + ((i * 37) % 9000))),
  file('big', 9_000_000),
  file('empty', 0),
  { kind: 'hardlink', path: 'linked', ...COMMON, target: 'big' },
  { kind: 'whiteout', path: 'e/gone', ...COMMON, mode: 0, mtime: 0 },
])

async function pack(
  toc: Toc,
  options: Partial<PackOptions> & { compression: Compression },
  open = contentOf,
): Promise<PackedLayer & { blob: Buffer }> {
  const chunks: Uint8Array[] = []
  const packed = await packLayer(toc, open, { sink: chunk => void chunks.push(chunk), ...options })
  const blob = Buffer.concat(chunks)
  assert.equal(packed.size, blob.length)
  assert.equal(packed.digest, sha256(blob))
  return { ...packed, blob }
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000)
}

describe('a packed layer', () => {
  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    test(`${compression}: reads back, is the same each time, and the diff ID is that of the plain tar`, async () => {
      const packed = await pack(LARGE, { compression })
      const plain =
        compression === 'gzip'
          ? gunzipSync(packed.blob)
          : compression === 'zstd'
            ? zstdDecompressSync(packed.blob)
            : packed.blob
      assert.equal(packed.diffId, sha256(plain))
      const { toc, diffId } = await indexLayer(once(packed.blob), compression, { diffId: packed.diffId })
      assert.deepEqual(toc, packed.toc)
      assert.equal(diffId, packed.diffId)
      assert.equal((await pack(LARGE, { compression })).digest, packed.digest)
      assert.equal((await pack(packed.toc, { compression })).digest, packed.digest, 'known digests change nothing')
    })
  }

  test('all compressions have one diff ID and their media types', async () => {
    const [none, gzip, zstd] = await Promise.all(
      (['none', 'gzip', 'zstd'] as const).map(compression => pack(LARGE, { compression })),
    )
    assert.equal(new Set([none?.diffId, gzip?.diffId, zstd?.diffId]).size, 1)
    assert.deepEqual(
      [none?.mediaType, gzip?.mediaType, zstd?.mediaType],
      [MediaType.ociLayerTar, MediaType.ociLayerGzip, MediaType.ociLayerZstd],
    )
    assert.deepEqual([none?.packer, gzip?.packer, zstd?.packer], ['shale/4 none/0', 'shale/4 gzip/6', 'shale/4 zstd/1'])
  })

  test('identities are golden', async () => {
    const packed = await pack(LARGE, { compression: 'none' })
    assert.equal(packed.diffId, 'sha256:bb1efe24b3d1be169caaebfc3c21c46eb7d8a10a6d14bccdacfdc54d0ba22e02')
    assert.equal(contentId(packed.toc), 'sha256:ccfd05cba63d629f41228c33f5cd2f6cb20230a9bd881f9b2defe97b440b9e14')
  })

  test('the empty layer is the well-known one', async () => {
    const { diffId } = await pack({ entries: [] }, { compression: 'gzip' })
    assert.equal(diffId, 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef')
  })

  for (const [command, compression, args] of [
    ['gzip', 'gzip', ['-t']],
    ['zstd', 'zstd', ['-t']],
  ] as const) {
    const there = spawnSync(command, ['--version']).status === 0
    test(`${command} itself accepts it`, { skip: there ? false : `no ${command} on this machine` }, async () => {
      const { blob } = await pack(LARGE, { compression })
      const { status, stderr } = spawnSync(command, [...args], { input: blob, maxBuffer: 1 << 28 })
      assert.equal(status, 0, String(stderr))
    })
  }
})

function located(
  packed: { readonly blob: Buffer; readonly annotations: Readonly<Record<string, string>> },
  name: string,
): Buffer {
  const [offset = '', length = '', ...digest] = (packed.annotations[name] ?? '').split(':')
  const bytes = packed.blob.subarray(Number(offset), Number(offset) + Number(length))
  assert.equal(sha256(bytes), digest.join(':'))
  return bytes
}

/** Digests of the compressed frames of a blob, without its tables. */
function framesOf(packed: { readonly blob: Buffer; readonly annotations: Readonly<Record<string, string>> }): string[] {
  let at = 0
  return decodeSeekTable(located(packed, FRAMES_ANNOTATION))
    .slice(0, -1)
    .map(({ compressed }) => {
      at += compressed
      return sha256(packed.blob.subarray(at - compressed, at))
    })
}

describe('the tables behind a zstd blob', () => {
  test('the annotations lead to the table of contents and the seek table', async () => {
    const packed = await pack(LARGE, { compression: 'zstd' })
    assert.deepEqual(decodeToc(zstdDecompressSync(located(packed, TOC_ANNOTATION).subarray(8))), packed.toc)
    const frames = decodeSeekTable(located(packed, FRAMES_ANNOTATION))
    assert.equal(frames.at(-1)?.content, 0)
    let at = 0
    const plain: Buffer[] = []
    for (const { compressed, content } of frames.slice(0, -1)) {
      const frame = zstdDecompressSync(packed.blob.subarray(at, at + compressed))
      assert.equal(frame.length, content)
      plain.push(frame)
      at += compressed
    }
    assert.equal(sha256(Buffer.concat(plain)), packed.diffId)
    assert.ok(frames.length > 6, `${frames.length} frames`)
  })

  test('a changed file changes its own frame, a new one its own, and the tables', async () => {
    const before = framesOf(await pack(LARGE, { compression: 'zstd' }))
    const changed = framesOf(
      await pack(LARGE, { compression: 'zstd' }, entry =>
        entry.path === 'd/file-500' ? Buffer.alloc(entry.size, 1) : contentOf(entry),
      ),
    )
    assert.equal(changed.length, before.length)
    assert.equal(changed.filter(digest => !before.includes(digest)).length, 1)
    const more = tocOf([...LARGE.entries, file('d/file-500-new', 5000)])
    const added = framesOf(await pack(more, { compression: 'zstd' }))
    assert.ok(added.filter(digest => !before.includes(digest)).length <= 2)
  })
})

describe('packing with the frames of an earlier blob', () => {
  const edited = (entry: FileEntry): Buffer =>
    entry.path === 'd/file-500' ? Buffer.alloc(entry.size, 1) : contentOf(entry)

  /** Packs the edited layer, whose digests are known, with frames of `earlier`. */
  async function repack(
    earlier: PackedLayer & { readonly blob: Buffer },
    seekTable = earlier.annotations[FRAMES_ANNOTATION],
  ) {
    const path = join(folder, 'earlier')
    writeFileSync(path, earlier.blob)
    const { toc } = await pack(LARGE, { compression: 'zstd' }, edited)
    const opened: string[] = []
    const open = (entry: FileEntry) => {
      opened.push(entry.path)
      return edited(entry)
    }
    const packed = await pack(toc, { compression: 'zstd', earlier: { path, toc: earlier.toc, seekTable } }, open)
    return { packed, opened }
  }

  test('gives the same blob, and opens only files of frames that changed', async () => {
    const { packed, opened } = await repack(await pack(LARGE, { compression: 'zstd' }))
    assert.equal(packed.digest, (await pack(LARGE, { compression: 'zstd' }, edited)).digest)
    assert.ok(opened.includes('d/file-500') && !opened.includes('big') && opened.length < 600, `${opened.length} files`)
  })

  test('compresses only what changed', async () => {
    const earlier = await pack(LARGE, { compression: 'zstd', level: 9 })
    const before = framesOf(earlier)
    const otherLevel = framesOf(await pack(LARGE, { compression: 'zstd' }))
    assert.ok(before.filter(digest => otherLevel.includes(digest)).length < 2, 'another level gives other frames')
    const taken = framesOf((await repack(earlier)).packed).filter(digest => before.includes(digest))
    assert.equal(taken.length, before.length - 1)
  })

  test('says when a frame is damaged', async () => {
    const earlier = await pack(LARGE, { compression: 'zstd' })
    const blob = Buffer.from(earlier.blob)
    blob[1000] = (blob[1000] ?? 0) ^ 1
    await assert.rejects(repack({ ...earlier, blob }), { code: 'FRAME_LOST' })
  })

  test('takes nothing from a blob without a whole table, or with a table of other entries', async () => {
    const earlier = await pack(LARGE, { compression: 'zstd' })
    const { annotations, blob, toc } = earlier
    const damaged = Buffer.from(blob)
    damaged[damaged.length - 20] = (damaged.at(-20) ?? 0) ^ 1
    const expected = (await pack(LARGE, { compression: 'zstd' }, edited)).digest
    for (const [other, seekTable] of [
      [{ blob: damaged }],
      [{ blob: blob.subarray(0, 100) }],
      [{ blob: Buffer.alloc(0) }],
      [{}, '0:99999999999999:sha256:'],
      [{}, annotations[TOC_ANNOTATION]],
      [{ toc: { entries: toc.entries.filter(({ path }) => path !== 'big' && path !== 'linked') } }],
    ] as const) {
      const { packed, opened } = await repack({ ...earlier, ...other }, seekTable)
      assert.deepEqual([packed.digest, opened.length], [expected, 901])
    }
  })

  test('every attribute of an entry decides whether its frame is taken', async () => {
    const earlier = await pack(LARGE, { compression: 'zstd' })
    const path = join(folder, 'earlier')
    writeFileSync(path, earlier.blob)
    const blob = { path, toc: earlier.toc, seekTable: earlier.annotations[FRAMES_ANNOTATION] }
    for (const change of [
      { mode: 0o600 },
      { uid: 1 },
      { gid: 1 },
      { mtime: 1 },
      { mtimeNs: 1 },
      { xattrs: [{ name: 'user.a', value: 'b' }] },
    ]) {
      const entries = earlier.toc.entries.map(entry => (entry.path === 'd/file-500' ? { ...entry, ...change } : entry))
      const packed = await pack({ entries }, { compression: 'zstd', earlier: blob })
      assert.equal(packed.diffId, (await pack({ entries }, { compression: 'zstd' })).diffId, JSON.stringify(change))
      assert.notEqual(packed.diffId, earlier.diffId)
    }
  })
})

describe('packing', () => {
  test('verifies each file and names the one that changed', async () => {
    const { toc } = await pack(LARGE, { compression: 'none' })
    for (const [open, message] of [
      [(e: FileEntry) => (e.path === 'd/file-7' ? Buffer.alloc(e.size) : contentOf(e)), /"d\/file-7".*content differs/],
      [(e: FileEntry) => (e.path === 'd/file-7' ? Buffer.alloc(e.size + 1) : contentOf(e)), /"d\/file-7"/],
      [(e: FileEntry) => (e.path === 'big' ? Buffer.alloc(e.size) : contentOf(e)), /"big".*content differs/],
      [(e: FileEntry) => (e.path === 'big' ? Buffer.alloc(e.size - 1) : contentOf(e)), /"big"/],
      [(e: FileEntry) => (e.path === 'big' ? Buffer.alloc(e.size + 1) : contentOf(e)), /"big".*grown/],
    ] as const) {
      await assert.rejects(pack(toc, { compression: 'zstd' }, open), { code: 'FILE_CHANGED', message })
    }
  })

  test('reads from paths, and follows no link', async () => {
    const path = join(folder, 'content')
    writeFileSync(path, 'content')
    const toc = { entries: [file('a', 7)] }
    const expected = (await packLayer(toc, () => Buffer.from('content'), { compression: 'none', sink: () => {} }))
      .diffId
    for (const open of [() => ({ path }), () => ({ path: Buffer.from(path) })]) {
      const { diffId, toc: packed } = await packLayer(toc, open, { compression: 'none', sink: () => {} })
      assert.equal(diffId, expected)
      assert.equal((packed.entries[0] as FileEntry).digest, sha256('content').slice(7))
    }
    symlinkSync(path, join(folder, 'link'))
    for (const [open, size, code] of [
      [() => ({ path: join(folder, 'link') }), 7, 'FILE_CHANGED'],
      [() => ({ path: join(folder, 'missing') }), 7, 'FILE_CHANGED'],
      [() => ({ path }), 6, 'FILE_CHANGED'],
      [() => ({ path }), 8, 'FILE_CHANGED'],
    ] as const) {
      await assert.rejects(packLayer({ entries: [file('a', size)] }, open, { compression: 'none', sink: () => {} }), {
        code,
      })
    }
  })

  test('clamps times to the epoch, in the tar and in the table', async () => {
    const toc = tocOf([
      { ...file('new', 0), mtime: 2000, mtimeNs: 5 },
      { ...file('same', 0), mtime: 1000, mtimeNs: 5 },
      { ...file('old', 0), mtime: 999, mtimeNs: 5 },
    ])
    const packed = await pack(toc, { compression: 'none', epoch: 1000 })
    assert.deepEqual(
      packed.toc.entries.map(({ path, mtime, mtimeNs }) => [path, mtime, mtimeNs]),
      [
        ['new', 1000, 0],
        ['old', 999, 5],
        ['same', 1000, 0],
      ],
    )
    assert.equal(tocDigest((await indexLayer(once(packed.blob), 'none')).toc), tocDigest(packed.toc))
    assert.equal(packed.packer, 'shale/4 none/0 epoch/1000')
  })

  test('refuses names that would mean a deletion, levels that do not exist, and ends when the sink fails', async () => {
    await assert.rejects(pack({ entries: [file('a/.wh.b', 0)] }, { compression: 'none' }), {
      code: 'LAYER_NAME_RESERVED',
    })
    for (const [compression, level] of [
      ['gzip', 0],
      ['gzip', 10],
      ['zstd', 0],
      ['zstd', 20],
      ['zstd', 1.5],
      ['none', 1],
    ] as const) {
      await assert.rejects(pack(LARGE, { compression, level }), { code: 'COMPRESSION_LEVEL_INVALID' })
    }
    const sink = async (): Promise<void> => {
      throw new Error('disk full')
    }
    await assert.rejects(pack(LARGE, { compression: 'zstd', sink }), /disk full/)
    await assert.rejects(pack(LARGE, { compression: 'zstd', signal: AbortSignal.abort() }), { name: 'AbortError' })
  })
})
