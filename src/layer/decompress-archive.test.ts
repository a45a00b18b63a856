import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { decompressArchive } from './decompress-archive.ts'

const PLAIN = Buffer.from('all of it '.repeat(50_000))

/** undefined where the machine lacks the program. */
function packed(program: string): Buffer | undefined {
  const { status, stdout } = spawnSync(program, ['-c'], { input: PLAIN, maxBuffer: 2 ** 28 })
  return status === 0 ? stdout : undefined
}

const FORMS: readonly (readonly [name: string, bytes: Buffer | undefined])[] = [
  ['nothing', PLAIN],
  ['gzip', gzipSync(PLAIN)],
  ['zstd', zstdCompressSync(PLAIN)],
  ['xz', packed('xz')],
  ['bzip2', packed('bzip2')],
]

for (const [name, bytes] of FORMS) {
  test(`compressed with ${name}, in any pieces`, async t => {
    if (bytes === undefined) return t.diagnostic(`${name} is not installed`)
    for (const piece of [1, 5, 65536]) {
      const plain = await collect(decompressArchive(pieces(bytes.subarray(0, piece), bytes.subarray(piece))))
      assert.ok(plain.equals(PLAIN))
    }
  })
}

test('nothing at all is nothing', async () => {
  assert.equal((await collect(decompressArchive(pieces()))).byteLength, 0)
})

for (const [name, bytes] of FORMS.slice(3)) {
  test(`damaged ${name}`, async t => {
    if (bytes === undefined) return t.diagnostic(`${name} is not installed`)
    const cut = bytes.subarray(0, bytes.byteLength >> 1)
    await assert.rejects(collect(decompressArchive(pieces(cut))), { code: 'ARCHIVE_DAMAGED' })
  })

  test(`the source of ${name} fails`, async t => {
    if (bytes === undefined) return t.diagnostic(`${name} is not installed`)
    async function* failing() {
      yield bytes?.subarray(0, 20) as Buffer
      throw new Error('the line is cut')
    }
    await assert.rejects(collect(decompressArchive(failing())), /the line is cut/)
  })
}

test('without the program, it is named', async t => {
  const path = process.env.PATH
  t.after(() => {
    process.env.PATH = path
  })
  process.env.PATH = '/nonexistent'
  const bytes = Buffer.from('fd377a585a000000', 'hex')
  await assert.rejects(collect(decompressArchive(pieces(bytes))), { code: 'DECOMPRESSOR_MISSING' })
})

async function* pieces(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}
