import assert from 'node:assert/strict'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Digest, sha256 } from '../oci/digest.ts'
import { checkStore } from './check.ts'
import { addImage, addLayer, temporaryStore } from './testing.ts'

test('a check names damage and whom it hurts; repair makes room for the whole blob', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const layer = await addLayer(store, lease, 'x')
  const whole = await addLayer(store, lease, 'whole')
  const { digest: image } = await addImage(store, lease, { layers: [layer] })
  for (const [name, { id }] of [['broken', layer] as const, ['whole', whole] as const]) {
    const times = { createdAt: 1, durationMs: 1 }
    store.cache.put(lease, { key: sha256(name), title: name, kind: 'run', ingredients: [], layerId: id, ...times })
  }
  const clean = await checkStore(store)
  assert.deepEqual(clean.findings, [])
  assert.equal(clean.blobs, 6)

  const blob = layer.blobs[0]?.digest as Digest
  chmodSync(store.blobs.path(blob), 0o600)
  writeFileSync(store.blobs.path(blob), 'blob of y')
  rmSync(store.blobs.path(layer.tocDigest))
  const expected = [
    { kind: 'blob', id: blob },
    { kind: 'blob', id: layer.tocDigest },
    { kind: 'image', id: image },
    { kind: 'record', id: sha256('broken') },
  ]
  const found = async (repair: boolean) => {
    const { findings } = await checkStore(store, { repair })
    return findings
      .filter(({ kind }) => kind !== 'table')
      .map(({ kind, id }) => ({ kind, id }))
      .sort((a, b) => (a.kind + a.id < b.kind + b.id ? -1 : 1))
  }
  expected.sort((a, b) => (a.kind + a.id < b.kind + b.id ? -1 : 1))
  assert.deepEqual(await found(false), expected)
  assert.deepEqual(await found(true), expected)
  assert.deepEqual(await found(false), [{ kind: 'image', id: image }])
  assert.deepEqual(
    store.cache.list().map(record => record.title),
    ['whole'],
  )
  await addLayer(store, lease, 'x')
  assert.deepEqual(await found(false), [])
})

test('the annotations that the registry lists are read again from the manifest', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const { digest } = await addImage(store, lease, { layers: [await addLayer(store, lease, 'x')] })
  store.database.write(() => {
    store.database.run("INSERT INTO registry_repositories (id, name, created_at) VALUES (1, 'app', 1)")
    store.database.run(
      `INSERT INTO registry_manifests (repository, digest, media_type, annotations, pushed_at) VALUES (1, ?, 'x', ?, 1)`,
      digest,
      '{"title":',
    )
  })
  const kinds = async (repair: boolean) => (await checkStore(store, { repair })).findings.map(({ kind }) => kind)
  assert.deepEqual(await kinds(false), ['registry'])
  assert.deepEqual(await kinds(true), ['registry'])
  assert.deepEqual(await kinds(false), [])
})
