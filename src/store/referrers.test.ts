import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { sha256 } from '../oci/digest.ts'
import { MediaType } from '../oci/media-types.ts'
import { collect } from './collect.ts'
import { layoutOf } from './layout.ts'
import { openStore } from './open.ts'
import { rebuildStore } from './rebuild.ts'
import { addImage, addLayer, temporaryFolder, temporaryStore } from './testing.ts'

test('what refers to an image stays as long as the image, and so does what refers to that', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const image = await addImage(store, lease, { layers: [await addLayer(store, lease, 'layer')] })
  const put = async (text: string) => (await store.blobs.put(lease, Buffer.from(text))).digest
  const [signature, payload, countersignature] = [await put('signature'), await put('payload'), await put('counter')]
  store.referrers.add(lease, image.digest, signature, [payload, payload])
  store.referrers.add(lease, image.digest, signature, [payload])
  store.referrers.add(lease, signature, countersignature, [])
  // One that refers to itself in a circle keeps nothing and nobody waiting.
  store.referrers.add(lease, countersignature, await put('circle'), [signature])
  lease.end()

  assert.deepEqual((await collect(store)).removed, [])
  assert.deepEqual(store.referrers.of(image.digest), [signature])
  assert.deepEqual(store.referrers.of(signature), [countersignature])

  store.images.remove(image.digest)
  await collect(store)
  for (const digest of [signature, payload, countersignature]) assert.equal(store.blobs.size(digest), undefined)
  assert.deepEqual([...store.referrers.of(image.digest), ...store.referrers.of(signature)], [])
})

test('what names blobs that the store does not have is not noted', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const { digest } = await store.blobs.put(lease, Buffer.from('signature'))
  for (const [referrer, named] of [
    [digest, sha256('not here')],
    [sha256('not here'), digest],
  ] as const) {
    assert.throws(() => store.referrers.add(lease, sha256('image'), referrer, [named]), { code: 'BLOB_MISSING' })
  }
  assert.deepEqual(store.referrers.of(sha256('image')), [])
})

for (const [title, damage] of [
  ['whose tables can be read', () => {}],
  ['that is lost', (database: string) => rmSync(database)],
] as const) {
  test(`a database made anew from one ${title} knows what refers to images`, async t => {
    const root = temporaryFolder(t)
    const store = openStore({ root })
    const lease = store.lease('test')
    const image = await addImage(store, lease, { layers: [await addLayer(store, lease, 'layer')] })
    const payload = await store.blobs.put(lease, Buffer.from('{"signed":true}'))
    const subject = { mediaType: MediaType.ociManifest, digest: image.digest, size: 2 }
    const config = { mediaType: 'application/vnd.example.signature', ...payload }
    const manifest = { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers: [], subject }
    const signature = await store.blobs.put(lease, Buffer.from(JSON.stringify(manifest)))
    store.referrers.add(lease, image.digest, signature.digest, [payload.digest])
    lease.end()
    store.close()
    damage(layoutOf(root).database)

    await rebuildStore({ root })
    const anew = openStore({ root })
    t.after(() => anew.close())
    assert.deepEqual(anew.referrers.of(image.digest), [signature.digest])
    await collect(anew)
    assert.deepEqual(
      [signature, payload].map(({ digest }) => anew.blobs.size(digest)),
      [signature.size, payload.size],
    )
  })
}
