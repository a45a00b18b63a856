import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { sha256 } from '../oci/digest.ts'
import { recompress } from './recompress.ts'

const MIB = 1024 * 1024
const LARGE = Buffer.concat([randomBytes(MIB), Buffer.alloc(MIB, 'text '), randomBytes(MIB + 7)])

async function* chunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 100_000) yield bytes.subarray(at, at + 100_000)
}

async function recompressed(blob: Buffer, from: 'gzip' | 'zstd' | 'none', to: 'gzip' | 'zstd') {
  const parts: Uint8Array[] = []
  const made = await recompress(chunks(blob), { from, to, sink: chunk => void parts.push(chunk) })
  return { ...made, blob: Buffer.concat(parts) }
}

for (const [size, plain] of [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from('a')],
  ['one piece to the byte', LARGE.subarray(0, MIB)],
  ['several pieces', LARGE],
] as const) {
  test(`${size} goes from any compression to gzip and zstd, and is the same again`, async () => {
    for (const [from, blob] of [
      ['none', plain],
      ['gzip', gzipSync(plain)],
      ['zstd', zstdCompressSync(plain)],
    ] as const) {
      const gzip = await recompressed(blob, from, 'gzip')
      assert.ok(gunzipSync(gzip.blob).equals(plain))
      assert.equal(gzip.diffId, sha256(plain))
      const zstd = await recompressed(blob, from, 'zstd')
      if (plain.byteLength > 0) assert.ok(zstdDecompressSync(zstd.blob).equals(plain))
      assert.equal(zstd.diffId, sha256(plain))
      assert.deepEqual((await recompressed(blob, from, 'gzip')).blob, gzip.blob, 'equal bytes give equal blobs')
    }
  })
}

test('a damaged blob and a sink that fails end it with their errors', async () => {
  const damaged = gzipSync(LARGE)
  damaged.fill(0, 1000, 2000)
  await assert.rejects(recompressed(damaged, 'gzip', 'zstd'), { code: 'LAYER_DAMAGED' })
  const sink = () => {
    throw new Error('full')
  }
  await assert.rejects(recompress(chunks(LARGE), { from: 'none', to: 'gzip', sink }), { message: 'full' })
})
