import assert from 'node:assert/strict'
import { lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { sha256 } from '../oci/digest.ts'
import { type CrewOptions, type FrameCrew, localCrew, threadCrew } from './frame-crew.ts'
import { type FrameCopy, FrameError, type FrameTask, frameMemory } from './frame-task.ts'

const folder = mkdtempSync(join(tmpdir(), 'shale-crew-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const hex = (text: string): string => sha256(text).slice(7)
const path = join(folder, 'file')
writeFileSync(path, 'content')
const named = join(folder, 'nämé\n')
writeFileSync(named, 'other')
symlinkSync(path, join(folder, 'link'))

interface File {
  readonly path: string
  readonly digest?: string
  readonly size?: number
  readonly from?: number
  readonly length?: number
  readonly ctime?: bigint
}

/** A frame of files, each with `<` before and `>` behind. */
function frame(...files: readonly File[]): FrameTask {
  const memory = frameMemory()
  const plain = Buffer.from(memory)
  const spans: number[] = []
  let used = 0
  for (const { size = 7, from = 0, length = size } of files) {
    plain.write('<', used)
    spans.push(used + 1, length, from, size)
    used += length + 2
    plain.write('>', used - 1)
  }
  return {
    kind: 'task',
    plain: memory,
    used,
    paths: files.map(file => `${Buffer.from(file.path).toString('latin1')}\0`).join(''),
    digests: files.map(({ digest = '' }) => `${digest} `).join(''),
    spans: Float64Array.from(spans),
    ctimes: BigInt64Array.from(files.map(({ ctime = 0n }) => ctime)),
  }
}

const OPTIONS: CrewOptions = { compression: 'zstd', level: 1 }

/** The content as packers write it. */
function zstd(content: string): Buffer {
  return zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
}

/** The second frame of a blob, said to hold `<content>`. */
function copyOf(bytes: Uint8Array, more: Partial<FrameCopy> = {}): FrameCopy {
  const blob = join(folder, 'blob')
  writeFileSync(blob, Buffer.concat([Buffer.from('first'), bytes]))
  return { kind: 'copy', blob, plain: frameMemory(), at: 5, length: bytes.length, content: 9, ...more }
}

for (const [name, crewOf] of [
  ['on this thread', localCrew],
  ['on threads of its own', (given: CrewOptions) => threadCrew(given, 2)],
] as const) {
  describe(`a crew ${name}`, () => {
    const withCrew = async (work: (crew: FrameCrew) => Promise<void>): Promise<void> => {
      const crew = crewOf(OPTIONS)
      try {
        await work(crew)
      } finally {
        await crew.close()
      }
    }

    test('reads files into their places, hashes, compresses', () =>
      withCrew(async crew => {
        const task = frame({ path }, { path: named, size: 5 })
        const done = await crew.complete(task)
        assert.equal(Buffer.from(done.plain).toString(), '<content><other>')
        assert.equal(done.digests, `${hex('content')} ${hex('other')} `)
        assert.equal(zstdDecompressSync(done.compressed).toString(), '<content><other>')
      }))

    test('leaves the digest of a part to others', () =>
      withCrew(async crew => {
        const done = await crew.complete(frame({ path, from: 0, length: 3 }, { path, from: 3, length: 4 }))
        assert.equal(Buffer.from(done.plain).toString(), '<con><tent>')
        assert.equal(done.digests, '  ')
      }))

    test('takes a frame out of a blob at hand as it is', () =>
      withCrew(async crew => {
        const bytes = zstdCompressSync('<content>', { params: { [constants.ZSTD_c_compressionLevel]: 19 } })
        const done = await crew.complete(copyOf(bytes))
        assert.deepEqual(Buffer.from(done.compressed), bytes)
        assert.equal(Buffer.from(done.plain).toString(), '<content>')
        assert.equal(done.digests, '')
      }))

    const flipped = zstd('<content>')
    flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1
    for (const [what, copy] of [
      ['is damaged', () => copyOf(flipped)],
      ['is cut short', () => copyOf(zstd('<content>').subarray(0, 9))],
      ['is beyond the end of the blob', () => copyOf(zstd('<content>'), { at: 20 })],
      ['is no frame', () => copyOf(Buffer.from('<content>'))],
      ['holds more', () => copyOf(zstd('<content>'.repeat(100)))],
      ['holds less', () => copyOf(zstd('<'))],
      ['is in a blob that is gone', () => copyOf(zstd('<content>'), { blob: join(folder, 'none') })],
    ] as const) {
      test(`says of a frame of a blob at hand that it ${what}`, () =>
        withCrew(async crew => {
          await assert.rejects(crew.complete(copy()), { failure: { file: -1, how: 'lost', bytes: 0 } })
        }))
    }

    test('many at once, each its own', () =>
      withCrew(async crew => {
        const tasks = Array.from({ length: 40 }, (_, i) => frame(...Array.from({ length: i }, () => ({ path }))))
        const lengths = tasks.map(({ used }) => used)
        const done = await Promise.all(tasks.map(task => crew.complete(task)))
        assert.deepEqual(
          done.map(({ compressed }) => zstdDecompressSync(compressed).length),
          lengths,
        )
      }))

    const ctime = lstatSync(path, { bigint: true }).ctimeNs
    for (const [what, file, failure] of [
      ['another digest', { path, digest: hex('else') }, { how: 'content', bytes: 0 }],
      ['too short', { path, size: 9 }, { how: 'short', bytes: 7 }],
      ['too long', { path, size: 5 }, { how: 'grown', bytes: 6 }],
      ['written to meanwhile', { path, ctime: ctime - 1n }, { how: 'time', bytes: 0 }],
      ['gone', { path: join(folder, 'none') }, { how: 'gone' }],
      ['a link', { path: join(folder, 'link') }, { how: 'gone' }],
      ['a folder', { path: folder }, { how: 'unreadable' }],
    ] as const) {
      test(`says of the file that is not as it should be: ${what}`, () =>
        withCrew(async crew => {
          await assert.rejects(crew.complete(frame({ path, ctime }, file)), (error: unknown) => {
            assert.ok(error instanceof FrameError)
            assert.partialDeepStrictEqual(error.failure, { file: 1, ...failure })
            return true
          })
        }))
    }
  })
}
