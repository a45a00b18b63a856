import assert from 'node:assert/strict'
import { lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { sha256 } from '../oci/digest.ts'
import { type CrewOptions, type FrameCrew, localCrew, threadCrew } from './frame-crew.ts'
import { FrameError, type FrameTask } from './frame-task.ts'
import type { ReusableFrames } from './frames.ts'

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
  const plain = Buffer.from(new ArrayBuffer(64 * 1024))
  const spans: number[] = []
  let used = 0
  for (const { size = 7, from = 0, length = size } of files) {
    plain.write('<', used)
    spans.push(used + 1, length, from, size)
    used += length + 2
    plain.write('>', used - 1)
  }
  return {
    plain: plain.buffer,
    used,
    paths: files.map(file => `${Buffer.from(file.path).toString('latin1')}\0`).join(''),
    digests: files.map(({ digest = '' }) => `${digest} `).join(''),
    spans: Float64Array.from(spans),
    ctimes: BigInt64Array.from(files.map(({ ctime = 0n }) => ctime)),
  }
}

const options = (reuse?: ReusableFrames): CrewOptions => ({
  compression: 'zstd',
  level: 1,
  rules: { identify: true, reuse },
})

/** A blob of one frame. */
function blobOf(id: string, bytes: Uint8Array): ReusableFrames {
  const blob = join(folder, 'blob')
  writeFileSync(blob, bytes)
  return { path: blob, places: new Map([[id, { at: 0, length: bytes.length, crc: crc32(bytes) }]]) }
}

for (const [name, crewOf] of [
  ['on this thread', localCrew],
  ['on threads of its own', (given: CrewOptions) => threadCrew(given, 2)],
] as const) {
  describe(`a crew ${name}`, () => {
    const withCrew = async (given: CrewOptions, work: (crew: FrameCrew) => Promise<void>): Promise<void> => {
      const crew = crewOf(given)
      try {
        await work(crew)
      } finally {
        await crew.close()
      }
    }

    test('reads files into their places, hashes, compresses', () =>
      withCrew(options(), async crew => {
        const task = frame({ path }, { path: named, size: 5 })
        const { used } = task
        const done = await crew.complete(task)
        assert.equal(Buffer.from(done.plain, 0, used).toString(), '<content><other>')
        assert.equal(done.digests, `${hex('content')} ${hex('other')} `)
        assert.equal(zstdDecompressSync(done.compressed).toString(), '<content><other>')
      }))

    test('leaves the digest of a part to others', () =>
      withCrew(options(), async crew => {
        const done = await crew.complete(frame({ path, from: 0, length: 3 }, { path, from: 3, length: 4 }))
        assert.equal(Buffer.from(done.plain, 0, 11).toString(), '<con><tent>')
        assert.equal(done.digests, '  ')
      }))

    test('takes the frame of a blob at hand, whether digests were given or found', async () => {
      let id = ''
      await withCrew(options(), async crew => {
        id = (await crew.complete(frame({ path }))).id ?? ''
      })
      const other = zstdCompressSync('<content>', { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
      await withCrew(options(blobOf(id, other)), async crew => {
        for (const digest of ['', hex('content')]) {
          const done = await crew.complete(frame({ path, digest }))
          assert.deepEqual(Buffer.from(done.compressed), other)
          assert.equal(done.crc, crc32(other))
          assert.equal(Buffer.from(done.plain, 0, 9).toString(), '<content>')
        }
        const unread = await crew.complete(frame({ path: join(folder, 'none'), digest: hex('content') }))
        assert.equal(Buffer.from(unread.plain, 0, 9).toString(), '<content>')
        await assert.rejects(crew.complete(frame({ path, digest: hex('else') })), {
          failure: { file: 0, how: 'content', bytes: 0 },
        })
        const another = await crew.complete(frame({ path: named, size: 5, digest: hex('other') }))
        assert.equal(zstdDecompressSync(another.compressed).toString(), '<other>')
      })
    })

    for (const [what, bytes, damage] of [
      ['is damaged', zstdCompressSync('<content>'), (blob: Buffer) => blob.fill(0, 2, 6)],
      ['is cut short', zstdCompressSync('<content>'), (blob: Buffer) => blob.subarray(0, 9)],
      ['is no frame', Buffer.from('<content>'), (blob: Buffer) => blob],
      ['holds more', zstdCompressSync('<content>'.repeat(100)), (blob: Buffer) => blob],
    ] as const) {
      test(`reads the files when the frame of the blob at hand ${what}`, async () => {
        let id = ''
        await withCrew(options(), async crew => {
          id = (await crew.complete(frame({ path }))).id ?? ''
        })
        const reuse = blobOf(id, bytes)
        writeFileSync(reuse.path, damage(Buffer.from(bytes)))
        await withCrew(options(reuse), async crew => {
          const done = await crew.complete(frame({ path, digest: hex('content') }))
          assert.equal(Buffer.from(done.plain, 0, 9).toString(), '<content>')
          assert.equal(zstdDecompressSync(done.compressed).toString(), '<content>')
        })
      })
    }

    test('many at once, each its own', () =>
      withCrew(options(), async crew => {
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
        withCrew(options(), async crew => {
          await assert.rejects(crew.complete(frame({ path, ctime }, file)), (error: unknown) => {
            assert.ok(error instanceof FrameError)
            assert.partialDeepStrictEqual(error.failure, { file: 1, ...failure })
            return true
          })
        }))
    }
  })
}
