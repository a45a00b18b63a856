import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import { type Digest, type DigestAlgorithm, sha256 } from '../../oci/digest.ts'
import type { BlobStorage, OpenBlob } from './blob-storage.ts'

/** Two views of one storage, as two servers have it; they may be the same. */
export type TwoStorages = readonly [BlobStorage, BlobStorage]

const NO_LIMIT = Number.MAX_SAFE_INTEGER

export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest
}

export async function* chunksOf(...parts: readonly (Uint8Array | string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part
    yield typeof part === 'string' ? Buffer.from(part) : part
  }
}

async function contentOf(blob: OpenBlob | undefined, start = 0, end = blob?.size ?? 0): Promise<string> {
  assert.ok(blob !== undefined)
  const chunks: Uint8Array[] = []
  for await (const chunk of blob.read(start, end)) chunks.push(chunk)
  await blob.close()
  return Buffer.concat(chunks).toString()
}

/** What every blob storage does. */
export function describeBlobStorage(name: string, open: (t: TestContext) => TwoStorages): void {
  describe(`blob storage: ${name}`, () => {
    const append = (storage: BlobStorage, id: string, body: AsyncIterable<Uint8Array>, offset?: number) =>
      storage.uploads.append('a', id, { body, offset, limit: NO_LIMIT })

    test('what is put can be read, whole and in part', async t => {
      const [one, two] = open(t)
      const bytes = Buffer.from('0123456789')
      await one.put(bytes, sha256(bytes))
      await two.put(bytes, sha256(bytes))
      assert.equal(await two.size(sha256(bytes)), 10)
      assert.equal(await contentOf(await two.open(sha256(bytes))), '0123456789')
      assert.equal(await contentOf(await two.open(sha256(bytes)), 3, 5), '34')
      assert.equal(await contentOf(await two.open(sha256(bytes)), 10), '')
      assert.deepEqual(await one.document(sha256(bytes), 10), bytes)
      await assert.rejects(one.document(sha256(bytes), 9), { code: 'DOCUMENT_TOO_LARGE' })
    })

    test('what is not there', async t => {
      const [one] = open(t)
      assert.equal(await one.size(sha256('none')), undefined)
      assert.equal(await one.open(sha256('none')), undefined)
      await assert.rejects(one.document(sha256('none'), 10), { code: 'BLOB_MISSING' })
    })

    for (const algorithm of ['sha256', 'sha512'] as const) {
      test(`an upload in chunks, each by the other server, with ${algorithm}`, async t => {
        const [one, two] = open(t)
        const { id } = await one.uploads.begin('a')
        assert.deepEqual(await append(one, id, chunksOf('ab', 'c'), 0), { kind: 'appended', size: 3 })
        assert.deepEqual(await append(two, id, chunksOf('def'), 3), { kind: 'appended', size: 6 })
        assert.deepEqual(await append(one, id, chunksOf('g')), { kind: 'appended', size: 7 })
        assert.deepEqual(await two.uploads.state('a', id), { id, repository: 'a', size: 7 })
        const digest = digestOf(Buffer.from('abcdefg'), algorithm)
        assert.deepEqual(await two.uploads.finish('a', id, digest), { kind: 'finished', blob: { digest, size: 7 } })
        assert.equal(await contentOf(await one.open(digest)), 'abcdefg')
        assert.equal(await one.uploads.state('a', id), undefined)
      })
    }

    test('an empty upload is the empty blob', async t => {
      const [one] = open(t)
      const { id } = await one.uploads.begin('a')
      const finished = await one.uploads.finish('a', id, sha256(''))
      assert.deepEqual(finished, { kind: 'finished', blob: { digest: sha256(''), size: 0 } })
    })

    test('large chunks arrive in order', async t => {
      const [one] = open(t)
      const parts = Array.from({ length: 40 }, (_, i) => Buffer.alloc(100_000 + i, i))
      const { id } = await one.uploads.begin('a')
      await append(one, id, chunksOf(...parts.slice(0, 25)))
      await append(one, id, chunksOf(...parts.slice(25)))
      const digest = sha256(Buffer.concat(parts))
      assert.equal((await one.uploads.finish('a', id, digest)).kind, 'finished')
    })

    test('a chunk at the wrong place changes nothing and says where the upload is', async t => {
      const [one] = open(t)
      const { id } = await one.uploads.begin('a')
      await append(one, id, chunksOf('abc'))
      for (const offset of [0, 2, 4]) {
        assert.deepEqual(await append(one, id, chunksOf('x'), offset), { kind: 'offset', size: 3 })
      }
      assert.equal((await one.uploads.finish('a', id, sha256('abc'))).kind, 'finished')
    })

    test('what came before a lost connection is kept, and the upload goes on from there', async t => {
      const [one, two] = open(t)
      const { id } = await one.uploads.begin('a')
      await assert.rejects(append(one, id, chunksOf('abc', new Error('gone'))), /gone/)
      assert.equal((await two.uploads.state('a', id))?.size, 3)
      assert.deepEqual(await append(one, id, chunksOf('def'), 3), { kind: 'appended', size: 6 })
      assert.equal((await one.uploads.finish('a', id, sha256('abcdef'))).kind, 'finished')
    })

    test('a wrong digest ends the upload and stores nothing', async t => {
      const [one] = open(t)
      const { id } = await one.uploads.begin('a')
      await append(one, id, chunksOf('abc'))
      assert.deepEqual(await one.uploads.finish('a', id, sha256('x')), { kind: 'mismatch', digest: sha256('abc') })
      assert.equal(await one.uploads.state('a', id), undefined)
      assert.equal(await one.size(sha256('abc')), undefined)
      assert.equal((await one.uploads.finish('a', id, sha256('abc'))).kind, 'unknown')
    })

    test('an upload beyond its limit is given up', async t => {
      const [one] = open(t)
      const { id } = await one.uploads.begin('a')
      assert.equal((await one.uploads.append('a', id, { body: chunksOf('abc'), limit: 3 })).kind, 'appended')
      assert.equal((await one.uploads.append('a', id, { body: chunksOf('d'), limit: 3 })).kind, 'too-large')
      assert.equal(await one.uploads.state('a', id), undefined)
    })

    test('a cancelled upload is gone, and so is one that nobody goes on with', async t => {
      const [one, two] = open(t)
      const first = await one.uploads.begin('a')
      assert.equal(await two.uploads.cancel('a', first.id), true)
      assert.equal(await one.uploads.cancel('a', first.id), false)
      assert.equal((await append(one, first.id, chunksOf('x'))).kind, 'unknown')
      const second = await one.uploads.begin('a')
      assert.equal(await two.uploads.expire(Date.now() - 1000), 0)
      assert.equal(await two.uploads.expire(Date.now() + 1000), 1)
      assert.equal(await one.uploads.state('a', second.id), undefined)
    })

    test('an upload belongs to its repository', async t => {
      const [one] = open(t)
      const { id } = await one.uploads.begin('a')
      assert.equal(await one.uploads.state('b', id), undefined)
      assert.equal((await one.uploads.append('b', id, { body: chunksOf('x'), limit: 9 })).kind, 'unknown')
      assert.equal((await one.uploads.finish('b', id, sha256(''))).kind, 'unknown')
      assert.equal(await one.uploads.cancel('b', id), false)
    })

    test('the newest request of a server goes on with an upload, the one before it is stopped', async t => {
      const [one] = open(t)
      const { id } = await one.uploads.begin('a')
      const { body, send, interrupt, taken } = slowBody()
      const first = one.uploads.append('a', id, { body, interrupt, limit: NO_LIMIT })
      send('abc')
      await taken
      const second = append(one, id, chunksOf('def'), 3)
      await assert.rejects(first)
      assert.deepEqual(await second, { kind: 'appended', size: 6 })
      assert.equal((await one.uploads.finish('a', id, sha256('abcdef'))).kind, 'finished')
    })

    test('the same blob twice at once', async t => {
      const [one, two] = open(t)
      const uploads = await Promise.all(
        [one, two, one].map(async storage => ({ storage, ...(await storage.uploads.begin('a')) })),
      )
      const results = await Promise.all(
        uploads.map(async ({ storage, id }) => {
          await append(storage, id, chunksOf('same'))
          return await storage.uploads.finish('a', id, sha256('same'))
        }),
      )
      assert.deepEqual(new Set(results.map(({ kind }) => kind)), new Set(['finished']))
      assert.equal(await contentOf(await two.open(sha256('same'))), 'same')
    })
  })
}

/** A body of which one part comes, and that ends only when it is interrupted. */
function slowBody() {
  const part = Promise.withResolvers<Uint8Array>()
  const taken = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<never>()
  async function* body(): AsyncGenerator<Uint8Array> {
    yield await part.promise
    taken.resolve()
    await stopped.promise
  }
  return {
    body: body(),
    send: (text: string) => part.resolve(Buffer.from(text)),
    interrupt: () => stopped.reject(new Error('interrupted')),
    taken: taken.promise,
  }
}
