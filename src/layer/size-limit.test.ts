import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { decompress } from './compression.ts'
import { maxLayerSize } from './size-limit.ts'

const SIZES: readonly (readonly [text: string | undefined, bytes: number])[] = [
  [undefined, 64 * 1024 ** 3],
  ['', 64 * 1024 ** 3],
  ['1000', 1000],
  ['2k', 2048],
  ['500m', 500 * 1024 ** 2],
  ['20GiB', 20 * 1024 ** 3],
  [' 1 tb ', 1024 ** 4],
]

test('SHALE_MAX_LAYER_SIZE is a number of bytes or has a unit', () => {
  for (const [text, bytes] of SIZES) assert.equal(maxLayerSize({ SHALE_MAX_LAYER_SIZE: text }), bytes)
  for (const text of ['0', '-1', 'much', '1.5g', '9999999t', '1x']) {
    assert.throws(() => maxLayerSize({ SHALE_MAX_LAYER_SIZE: text }), { code: 'INVALID_LIMIT' }, text)
  }
})

test('what unpacks to more than the limit is refused as soon as it is reached', async () => {
  const plain = Buffer.alloc(3_000_000)
  for (const [compression, bytes] of [
    ['gzip', gzipSync(plain)],
    ['zstd', zstdCompressSync(plain)],
  ] as const) {
    let size = 0
    const read = async (limit: number) => {
      for await (const chunk of decompress(once(bytes), compression, limit)) size += chunk.byteLength
    }
    await assert.rejects(read(1_000_000), { code: 'LAYER_TOO_LARGE', message: /more than 1000000 bytes/ })
    assert.ok(size <= 1_000_000)
    await read(3_000_000)
  }
})

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
