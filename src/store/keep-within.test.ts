import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sha256 } from '../oci/digest.ts'
import { diskUsage } from './disk-usage.ts'
import { keepWithin } from './keep-within.ts'
import type { LocalStore } from './open.ts'
import { addImage, addLayer, temporaryStore } from './testing.ts'

/** An image, and recorded steps used one after the other, the first longest ago, that no image needs. */
async function fixture(t: TestContext, ...steps: readonly string[]): Promise<LocalStore> {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const image = await addImage(store, lease, { layers: [await addLayer(store, lease, 'base')] })
  store.images.tag('docker.io/library/app:1', image.digest, 'test')
  for (const [index, name] of steps.entries()) {
    const { id: layerId } = await addLayer(store, lease, name)
    const times = { createdAt: 1, durationMs: 1 }
    store.cache.put(lease, { key: sha256(name), title: name, kind: 'run', ingredients: [], layerId, ...times })
    store.database.run('UPDATE cache_records SET last_used_at = ? WHERE key = ?', index, sha256(name))
  }
  lease.end()
  return store
}

/** The database is no content, and writing to it makes it larger for a while. */
function withoutDatabase(store: LocalStore): number {
  const { rows, total } = diskUsage(store)
  return total - (rows.find(({ type }) => type === 'Metadata')?.size ?? 0)
}

const left = (store: LocalStore) => store.cache.list().map(({ title }) => title)

test('a store within the limit loses nothing', async t => {
  const store = await fixture(t, 'old', 'new')
  const { total } = diskUsage(store)
  assert.deepEqual(await keepWithin(store, total), { pruned: undefined, beyond: 0 })
  assert.deepEqual(left(store).sort(), ['new', 'old'])
})

test('what was used longest ago goes, and no more than must', async t => {
  const store = await fixture(t, 'oldest', 'older', 'new')
  const limit = diskUsage(store).total - 1
  const before = withoutDatabase(store)
  const { pruned, beyond } = await keepWithin(store, limit)
  assert.deepEqual(
    pruned?.records.map(({ title }) => title),
    ['oldest'],
  )
  assert.equal(beyond, 0)
  assert.ok(withoutDatabase(store) < before)
  assert.deepEqual(left(store).sort(), ['new', 'older'])
})

test('images stay, and how much they take beyond the limit is told', async t => {
  const store = await fixture(t, 'old', 'new')
  const { total } = diskUsage(store)
  const content = withoutDatabase(store)
  const { beyond } = await keepWithin(store, 10)
  assert.deepEqual(left(store), [])
  assert.equal(store.images.list().length, 1)
  assert.equal(beyond, total - content + withoutDatabase(store) - 10)
})
