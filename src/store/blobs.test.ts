import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Digest, sha256 } from '../oci/digest.ts'
import { MAX_DOCUMENT_BYTES } from '../oci/manifest.ts'
import type { LocalStore } from './open.ts'
import { temporaryFolder, temporaryStore } from './testing.ts'

const HELLO = Buffer.from('hello')

async function streamed(store: LocalStore, digest: Digest): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.blobs.stream(digest)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('a blob is put once, read-only, and read back whole or as a stream', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  assert.equal(store.blobs.size(sha256(HELLO)), undefined)
  const info = await store.blobs.put(lease, HELLO)
  assert.deepEqual(info, { digest: sha256(HELLO), size: 5 })
  const inode = statSync(store.blobs.path(info.digest)).ino
  assert.deepEqual(await store.blobs.put(lease, HELLO), info)
  assert.equal(statSync(store.blobs.path(info.digest)).ino, inode)
  assert.equal(statSync(store.blobs.path(info.digest)).mode & 0o777, 0o444)
  assert.equal(store.blobs.size(info.digest), 5)
  assert.deepEqual(await store.blobs.read(info.digest), HELLO)
  assert.deepEqual(await streamed(store, info.digest), HELLO)
  assert.deepEqual(readdirSync(store.tempDir), [])
})

test('empty and large blobs are blobs like any other', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(1_000_003, 'ab')]) {
    const writer = store.blobs.writer(lease)
    for (let at = 0; at < bytes.length; at += 65_537) await writer.write(bytes.subarray(at, at + 65_537))
    const info = await writer.commit({ digest: sha256(bytes), size: bytes.length })
    assert.deepEqual(await streamed(store, info.digest), bytes)
  }
})

test('a writer keeps nothing of a blob that is not what was expected', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const written = async () => {
    const writer = store.blobs.writer(lease)
    await writer.write(HELLO)
    return writer
  }
  await assert.rejects((await written()).commit({ size: 6 }), { code: 'BLOB_SIZE_MISMATCH' })
  await assert.rejects((await written()).commit({ digest: sha256('other') }), { code: 'BLOB_DIGEST_MISMATCH' })
  const aborted = await written()
  await aborted.abort()
  await aborted.abort()
  await assert.rejects(aborted.commit(), { code: 'BLOB_WRITER_CLOSED' })
  const committed = await written()
  await committed.commit()
  await committed.abort()
  assert.equal(store.blobs.size(sha256(HELLO)), 5)
  assert.deepEqual(readdirSync(store.tempDir), [])
})

test('sha512 blobs have a folder of their own', async t => {
  const store = temporaryStore(t)
  const writer = store.blobs.writer(store.lease('test'))
  const digest: Digest = `sha512:${createHash('sha512').update(HELLO).digest('hex')}`
  await writer.write(HELLO)
  await writer.commit({ digest })
  assert.ok(store.blobs.path(digest).includes('/blobs/sha512/'))
  assert.deepEqual(await store.blobs.read(digest), HELLO)
})

test('a finished temporary file is adopted; a file from elsewhere is not', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const path = join(store.tempDir, 'mine')
  writeFileSync(path, HELLO)
  const info = { digest: sha256(HELLO), size: 5 }
  await assert.rejects(store.blobs.adopt(lease, path, { ...info, size: 4 }), { code: 'BLOB_SIZE_MISMATCH' })
  await store.blobs.adopt(lease, path, info)
  assert.ok(!existsSync(path))
  assert.deepEqual(await store.blobs.read(info.digest), HELLO)
  const outside = join(temporaryFolder(t), 'theirs')
  writeFileSync(outside, HELLO)
  await assert.rejects(store.blobs.adopt(lease, outside, info), { code: 'NOT_A_TEMPORARY_FILE' })
})

const DAMAGES: readonly (readonly [how: string, damage: (path: string) => void, code: string])[] = [
  ['bytes too many', path => appendFileSync(path, '!'), 'BLOB_DAMAGED'],
  ['bytes missing', path => truncateSync(path, 4), 'BLOB_DAMAGED'],
  ['other bytes', path => writeFileSync(path, 'jello'), 'BLOB_DAMAGED'],
  ['file gone', path => rmSync(path), 'BLOB_MISSING'],
]

for (const [how, damage, code] of DAMAGES) {
  test(`damage is found when reading, and the next put heals it: ${how}`, async t => {
    const store = temporaryStore(t)
    const lease = store.lease('test')
    for (const read of [() => store.blobs.read(sha256(HELLO)), () => streamed(store, sha256(HELLO))]) {
      const { digest } = await store.blobs.put(lease, HELLO)
      chmodSync(store.blobs.path(digest), 0o600)
      damage(store.blobs.path(digest))
      await assert.rejects(read(), { code })
      assert.equal(store.blobs.size(digest), undefined)
      await store.blobs.put(lease, HELLO)
      assert.deepEqual(await store.blobs.read(digest), HELLO)
    }
  })
}

test('a row with another size is corrected by whoever reads, and the blob stays', async t => {
  const store = temporaryStore(t)
  const { digest } = await store.blobs.put(store.lease('test'), HELLO)
  for (const [size, read] of [
    [4, () => store.blobs.read(digest)],
    [6, () => streamed(store, digest)],
  ] as const) {
    store.database.write(() => store.database.run('UPDATE blobs SET size = ? WHERE digest = ?', size, digest))
    await assert.rejects(read(), { code: 'BLOB_DAMAGED' })
    assert.deepEqual(await store.blobs.read(digest), HELLO)
  }
})

test('what is not there and what is too large for a document is named', async t => {
  const store = temporaryStore(t)
  await assert.rejects(store.blobs.read(sha256('nothing')), { code: 'BLOB_MISSING' })
  await assert.rejects(streamed(store, sha256('nothing')), { code: 'BLOB_MISSING' })
  const { digest } = await store.blobs.put(store.lease('test'), Buffer.alloc(MAX_DOCUMENT_BYTES + 1))
  await assert.rejects(store.blobs.read(digest), { code: 'DOCUMENT_TOO_LARGE' })
  assert.throws(() => store.blobs.path('sha256:../../etc/passwd'), { code: 'INVALID_DIGEST' })
})

test('nothing is written under a lease that has ended', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  lease.end()
  lease.end()
  await assert.rejects(store.blobs.put(lease, HELLO), { code: 'LEASE_ENDED' })
  assert.deepEqual(readdirSync(store.tempDir), [])
})
