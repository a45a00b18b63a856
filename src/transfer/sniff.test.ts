import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { sniffSource, sniffStream } from './sniff.ts'

const TEXT = Buffer.from('a longer text to find again')

async function* bytewise(bytes: Uint8Array, ended: () => void = () => undefined): AsyncGenerator<Uint8Array> {
  try {
    for (const byte of bytes) yield Uint8Array.of(byte)
  } finally {
    ended()
  }
}

const ROWS: readonly (readonly [expected: string, bytes: Uint8Array])[] = [
  ['none', TEXT],
  ['none', Buffer.of(0x1f)],
  ['none', Buffer.of()],
  ['gzip', gzipSync(TEXT)],
  ['zstd', zstdCompressSync(TEXT)],
  ['zstd', Buffer.concat([Buffer.from('502a4d1800000000', 'hex'), zstdCompressSync(TEXT)])],
]

for (const [expected, bytes] of ROWS) {
  test(`${bytes.byteLength} bytes of ${expected} are recognised, and none is lost`, async () => {
    const { compression, empty, stream } = await sniffStream(bytewise(bytes), 'it')
    assert.equal(compression, expected)
    assert.equal(empty, bytes.byteLength === 0)
    assert.deepEqual(Buffer.concat(await Array.fromAsync(stream)), Buffer.from(bytes))
    assert.equal(await sniffSource(bytewise(bytes), 'it'), expected)
  })
}

for (const [name, hex] of [
  ['xz', 'fd377a585a000004'],
  ['bzip2', '425a6839314159'],
] as const) {
  test(`${name} is refused by name, and its source let go`, async () => {
    let ended = false
    const source = bytewise(Buffer.from(hex, 'hex'), () => {
      ended = true
    })
    await assert.rejects(sniffStream(source, 'it'), {
      code: 'UNSUPPORTED_COMPRESSION',
      hint: `unpack it first: ${name} -d`,
    })
    assert.ok(ended)
  })
}
