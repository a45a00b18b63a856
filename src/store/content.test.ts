import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sha256 } from '../oci/digest.ts'
import { addLayer, temporaryStore, tocOfFiles } from './testing.ts'

test('equal layers are one record, and packing makes a layer known by its diff ID', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const toc = tocOfFiles({ a: '1', b: '22' })
  const layer = await store.layers.add(lease, { toc })
  assert.deepEqual(await store.layers.add(lease, { toc }), layer)
  assert.equal(layer.unpackedSize, 3)
  assert.equal(layer.entries, 2)
  assert.equal(layer.diffId, undefined)
  const { digest, size } = await store.blobs.put(lease, Buffer.from('tar'))
  const blob = { digest, size, compression: 'none', mediaType: 'x/tar', packer: '1', annotations: { a: 'b' } } as const
  const packed = store.layers.setPacked(lease, layer.id, sha256('tar'), blob)
  assert.deepEqual(store.layers.setPacked(lease, layer.id, sha256('tar'), blob), packed)
  assert.deepEqual(packed, { ...layer, diffId: sha256('tar'), blobs: [blob] })
  assert.deepEqual(store.layers.byDiffId(sha256('tar')), packed)
  assert.deepEqual(store.layers.byToc(layer.tocDigest), packed)
  assert.deepEqual(await store.layers.add(lease, { toc, diffId: sha256('tar') }), packed)
  assert.deepEqual(await store.layers.toc(packed), toc)
})

test('layers that differ in times share their content ID, and one table may have several diff IDs', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const early = await store.layers.add(lease, { toc: tocOfFiles({ a: '1' }, 1), diffId: sha256('x') })
  const late = await store.layers.add(lease, { toc: tocOfFiles({ a: '1' }, 2) })
  assert.equal(early.contentId, late.contentId)
  assert.notEqual(early.id, late.id)
  const other = store.layers.setPacked(lease, early.id, sha256('y'))
  assert.notEqual(other.id, early.id)
  assert.equal(other.tocDigest, early.tocDigest)
  assert.equal(store.layers.byDiffId(sha256('x'))?.id, early.id)
})

test('a packed layer needs its blob, and a record its layer', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const layer = await store.layers.add(lease, { toc: tocOfFiles({}) })
  const blob = { digest: sha256('gone'), size: 4, compression: 'none', mediaType: 'x/tar', packer: '1' } as const
  assert.throws(() => store.layers.setPacked(lease, layer.id, sha256('t'), blob), { code: 'BLOB_MISSING' })
  assert.throws(() => store.layers.setPacked(lease, 99, sha256('t')), { code: 'LAYER_MISSING' })
  const record = { key: sha256('k'), title: 'RUN x', kind: 'run', ingredients: [], createdAt: 1, durationMs: 2 }
  assert.throws(() => store.cache.put(lease, { ...record, layerId: 99 }), { code: 'LAYER_MISSING' })
  assert.throws(() => store.cache.put(lease, { ...record, inputToc: sha256('gone') }), { code: 'BLOB_MISSING' })
})

test('the cache counts uses and remembers the last build', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const layer = await addLayer(store, lease, 'x')
  const record = {
    key: sha256('k'),
    title: 'RUN x',
    kind: 'run',
    ingredients: [{ name: 'env A', value: '1' }],
    inputToc: layer.tocDigest,
    layerId: layer.id,
    createdAt: 1,
    durationMs: 2.5,
  }
  assert.equal(store.cache.find(record.key), undefined)
  store.cache.put(lease, record)
  store.cache.find(record.key, lease)
  const found = store.cache.find(record.key)
  assert.deepEqual(found, { ...record, uses: 2, lastUsedAt: found?.lastUsedAt })
  assert.equal(store.cache.list().length, 1)
  store.cache.remove([record.key])
  assert.equal(store.cache.list().length, 0)
  const steps = [{ stage: 'a', ordinal: 0, title: 'RUN x', key: record.key }]
  assert.deepEqual(store.cache.lastBuild('l'), [])
  store.cache.saveBuild('l', steps)
  assert.deepEqual(store.cache.lastBuild('l'), steps)
})

test('the first tree of a key is the one; later and aborted ones go', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const first = store.trees.begin(lease, 'sha256:k')
  const second = store.trees.begin(lease, 'sha256:k')
  const third = store.trees.begin(lease, 'sha256:k')
  writeFileSync(join(first.path, 'file'), '')
  assert.equal(store.trees.find('sha256:k'), undefined)
  assert.equal(first.commit(), first.path)
  assert.equal(second.commit(), first.path)
  await third.abort()
  await third.abort()
  assert.ok(!existsSync(third.path))
  assert.equal(store.trees.find('sha256:k', lease), first.path)
  assert.equal(store.trees.find('sha256:other'), undefined)
})
