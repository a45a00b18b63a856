import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { sha256 } from '../oci/digest.ts'
import { collect } from './collect.ts'
import { detailedUsage, diskUsage } from './disk-usage.ts'
import type { LocalStore } from './open.ts'
import { addImage, addLayer, temporaryStore } from './testing.ts'
import type { LayerRecord, Lease } from './types.ts'

const MINUTES = 60_000

function addTree(store: LocalStore, lease: Lease, layer: LayerRecord, suffix = ''): string {
  const tree = store.trees.begin(lease, layer.tocDigest + suffix)
  mkdirSync(join(tree.path, 'folder'))
  writeFileSync(join(tree.path, 'folder/file'), 'x'.repeat(10_000))
  linkSync(join(tree.path, 'folder/file'), join(tree.path, 'folder/link'))
  return tree.commit()
}

function addRecord(store: LocalStore, lease: Lease, name: string, layer: LayerRecord): void {
  store.cache.put(lease, {
    key: sha256(name),
    title: `RUN ${name}`,
    kind: 'run',
    ingredients: [],
    layerId: layer.id,
    createdAt: 1,
    durationMs: 1,
  })
}

test('images and cache records keep their content, all else goes', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const [inImage, inCache, unused] = [
    await addLayer(store, lease, 'image'),
    await addLayer(store, lease, 'cache'),
    await addLayer(store, lease, 'unused'),
  ] as const
  const image = await addImage(store, lease, { layers: [inImage] })
  addRecord(store, lease, 'cached', inCache)
  const trees = [inImage, inCache, unused].map(layer => addTree(store, lease, layer, ':sha256:below'))
  const { digest: stray } = await store.blobs.put(lease, Buffer.from('stray'))
  assert.deepEqual((await collect(store)).removed, [], 'a live lease holds everything')

  lease.end()
  const { removed, bytes } = await collect(store)
  assert.deepEqual(removed.map(item => item.kind).sort(), ['blob', 'blob', 'blob', 'layer', 'tree'])
  assert.ok(bytes > 10_000)
  assert.deepEqual(trees.map(existsSync), [true, true, false])
  assert.equal(store.blobs.size(stray), undefined)
  assert.equal(store.layers.byId(unused.id), undefined)
  assert.deepEqual(readdirSync(store.layout.trash), [])
  await store.images.open(image.digest)
  await store.layers.toc(inCache)
  assert.deepEqual((await collect(store)).removed, [], 'a second collection finds nothing')

  store.images.remove(image.digest)
  store.cache.remove([sha256('cached')])
  await collect(store)
  assert.deepEqual(readdirSync(join(store.layout.blobs, 'sha256')), [])
  assert.deepEqual(readdirSync(store.layout.trees), [])
})

test('a lease that was not renewed holds nothing, and what finds out later fails cleanly', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const layer = await addLayer(store, lease, 'x')
  const writer = store.trees.begin(lease, layer.tocDigest)
  await collect(store, { now: Date.now() + 5 * MINUTES })
  assert.equal(store.layers.byId(layer.id), undefined)
  assert.ok(!existsSync(writer.path))
  assert.throws(() => writer.commit(), { code: 'TREE_LOST' })
  await assert.rejects(addImage(store, lease, { layers: [layer] }), { code: 'IMAGE_INCOMPLETE' })
  const again = await addLayer(store, lease, 'x')
  assert.deepEqual((await collect(store)).removed, [], 'the lease came back with its next use')
  assert.ok(store.layers.byId(again.id))
})

test('files without a row go when they are old', async t => {
  const store = temporaryStore(t)
  const orphan = store.blobs.path(sha256('orphan'))
  const folder = join(store.layout.trees, '77')
  writeFileSync(orphan, 'orphan')
  mkdirSync(folder)
  assert.deepEqual((await collect(store)).removed, [])
  for (const path of [orphan, folder]) utimesSync(path, 0, 0)
  assert.deepEqual(
    (await collect(store)).removed.map(({ kind, id }) => ({ kind, id })),
    [
      { kind: 'blob', id: sha256('orphan') },
      { kind: 'tree', id: '77' },
    ],
  )
  assert.ok(!existsSync(orphan) && !existsSync(folder))
})

test('a crash after the transaction leaves garbage that the next collection takes', async t => {
  let fail = true
  const removeTree = async (path: string) => {
    if (fail) throw new Error('killed')
    await rm(path, { recursive: true })
  }
  const store = temporaryStore(t, { removeTree })
  const lease = store.lease('test')
  const tree = addTree(store, lease, await addLayer(store, lease, 'x'))
  lease.end()
  await assert.rejects(collect(store), /killed/)
  assert.equal(store.trees.find(sha256('x')), undefined)
  fail = false
  const { removed } = await collect(store)
  assert.deepEqual(
    removed.map(item => item.kind),
    ['tree'],
  )
  assert.ok(!existsSync(tree))
})

test("disk usage is du's, and every part is in its row", async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const [shared, own, cached] = [
    await addLayer(store, lease, 'shared'),
    await addLayer(store, lease, 'own'),
    await addLayer(store, lease, 'cached'),
  ] as const
  const one = await addImage(store, lease, { layers: [shared, own] })
  await addImage(store, lease, { layers: [shared] })
  addRecord(store, lease, 'cached', cached)
  addRecord(store, lease, 'also in an image', shared)
  for (const layer of [shared, own, cached]) addTree(store, lease, layer)
  await store.blobs.put(lease, Buffer.alloc(100_000, 'stray'))
  store.statIndex.saveMemos('/a', new Map())
  writeFileSync(join(store.layout.trash, 'rubbish'), 'x'.repeat(5000))
  store.volumes.create({ name: 'data' })
  lease.end()

  const du = (path: string) =>
    Number(execFileSync('du', ['-s', '--block-size=1', path], { encoding: 'utf8' }).split('\t')[0])
  const usage = detailedUsage(store, { activeImages: new Set([one.digest]) })
  assert.equal(usage.total, du(store.root))
  assert.deepEqual(diskUsage(store, { activeImages: new Set([one.digest]) }), { rows: usage.rows, total: usage.total })
  const rows = new Map(usage.rows.map(row => [row.type, row]))
  const of = (type: 'Images' | 'Build Cache' | 'Local Volumes' | 'Metadata') => {
    const { total, active, reclaimable } = rows.get(type) ?? assert.fail(type)
    return { total, active, reclaimable }
  }
  const { size: imageSize } = rows.get('Images') ?? assert.fail()
  assert.deepEqual(of('Images').total, 2)
  assert.deepEqual(of('Images').active, 1)
  assert.equal(of('Images').reclaimable, 2 * 4096, 'the other image has its manifest and config to itself')
  assert.equal(of('Build Cache').total, 2)
  assert.equal(of('Local Volumes').total, 1)
  assert.ok(of('Metadata').reclaimable >= 108_000)
  assert.equal(
    usage.images.reduce((sum, image) => sum + image.unique, 0) + Math.max(...usage.images.map(image => image.shared)),
    imageSize,
  )
  assert.deepEqual(usage.records.map(record => record.shared).sort(), [false, true])

  const before = usage.total
  const { bytes } = await collect(store)
  assert.ok(du(store.root) <= before - bytes)
})
