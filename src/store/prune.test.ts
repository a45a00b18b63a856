import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Digest, sha256 } from '../oci/digest.ts'
import type { LocalStore } from './open.ts'
import {
  type CachePruneOptions,
  executePrune,
  type PrunePlan,
  planCachePrune,
  planImagePrune,
  planSystemPrune,
} from './prune.ts'
import { parsePruneFilters } from './prune-filter.ts'
import { addImage, addLayer, temporaryStore } from './testing.ts'
import type { LayerRecord, Lease } from './types.ts'

const DAY = 86_400_000
const NOW = 1_800_000_000_000

interface Fixture {
  readonly store: LocalStore
  readonly tagged: Digest
  readonly dangling: Digest
}

/** A tagged image added five days ago, an untagged one added two days ago; records `base`, `old` and `new`. */
async function fixture(store: LocalStore): Promise<Fixture> {
  const lease = store.lease('test')
  const base = await addLayer(store, lease, 'base')
  const tagged = (await addImage(store, lease, { layers: [base], labels: { stage: 'prod' } })).digest
  const dangling = (await addImage(store, lease, { layers: [base, await addLayer(store, lease, 'top')] })).digest
  store.images.tag('docker.io/library/app:1', tagged, 'test')
  const age = (digest: Digest, days: number) =>
    store.database.run('UPDATE images SET added_at = ? WHERE digest = ?', NOW - days * DAY, digest)
  age(tagged, 5)
  age(dangling, 2)
  addRecord(store, lease, 'base', base, 1)
  addRecord(store, lease, 'old', await addLayer(store, lease, 'old'), 9)
  addRecord(store, lease, 'new', await addLayer(store, lease, 'new'), 3)
  lease.end()
  return { store, tagged, dangling }
}

function addRecord(store: LocalStore, lease: Lease, name: string, layer: LayerRecord, days: number): void {
  const times = { createdAt: 1, durationMs: 1 }
  store.cache.put(lease, { key: sha256(name), title: name, kind: 'run', ingredients: [], layerId: layer.id, ...times })
  const sql = 'UPDATE cache_records SET last_used_at = ? WHERE key = ?'
  store.database.run(sql, NOW - days * DAY, sha256(name))
}

function shown(plan: PrunePlan): readonly string[] {
  const mark = (remove: boolean) => (remove ? 'removed' : 'kept')
  return [
    ...plan.images.map(({ image, remove, why }) => `${mark(remove)} ${image.names[0] ?? 'untagged'}: ${why}`),
    ...plan.records.map(({ record, remove, why }) => `${mark(remove)} ${record.title}: ${why}`).sort(),
  ]
}

const filter = (...texts: string[]) => parsePruneFilters(texts, NOW)

test('image prune takes untagged images, and says why of each', async t => {
  const { store } = await fixture(temporaryStore(t))
  assert.deepEqual(shown(planImagePrune(store, { now: NOW })), [
    'removed untagged: no tag points at it, added 2 days ago',
    'kept docker.io/library/app:1: tag app:1 points at it',
  ])
})

test('image prune -a takes what no container uses', async t => {
  const { store, dangling } = await fixture(temporaryStore(t))
  const plan = planImagePrune(store, { now: NOW, all: true, inUse: new Map([[dangling, 'web']]) })
  assert.deepEqual(shown(plan), [
    'kept untagged: container web uses it',
    'removed docker.io/library/app:1: no container uses it, added 5 days ago; named app:1',
  ])
})

test('filters keep what is young and what has or lacks a label', async t => {
  const { store } = await fixture(temporaryStore(t))
  const rows: readonly (readonly [filters: readonly string[], reasons: readonly string[]])[] = [
    [['until=72h'], ['kept untagged: added 2 days ago, not before 72h', 'removed docker.io/library/app:1']],
    [['label=stage'], ['kept untagged: it does not have the label stage', 'removed docker.io/library/app:1']],
    [['label=stage=test'], ['kept untagged', 'kept docker.io/library/app:1: it does not have the label stage=test']],
    [['label!=stage=prod'], ['removed untagged', 'kept docker.io/library/app:1: it has the label stage=prod']],
  ]
  for (const [filters, reasons] of rows) {
    const lines = shown(planImagePrune(store, { now: NOW, all: true, filter: filter(...filters) }))
    for (const [i, reason] of reasons.entries()) assert.ok(lines[i]?.startsWith(reason), `${filters}: ${lines[i]}`)
  }
})

test('until is a duration, a time or seconds; other filters are refused', () => {
  const times = [
    ['until=1h30m', NOW - 5_400_000],
    ['until=2d', NOW - 2 * DAY],
    ['until=2024-05-01T00:00:00Z', Date.UTC(2024, 4, 1)],
    ['until=1700000000', 1_700_000_000_000],
  ] as const
  for (const [text, before] of times) assert.equal(filter(text).before, before, text)
  for (const text of ['until=soon', 'until!=1h', 'until=', 'dangling=true', 'label', 'label=']) {
    assert.throws(() => filter(text), { code: 'INVALID_FILTER' }, text)
  }
})

test('builder prune leaves what an image shares, unless it is to take all', async t => {
  const { store } = await fixture(temporaryStore(t))
  assert.deepEqual(shown(planCachePrune(store, { now: NOW })), [
    'kept base: its layer is part of image app:1',
    'removed new: last used 3 days ago, 0 times in all',
    'removed old: last used 1 week ago, 0 times in all',
  ])
  assert.ok(planCachePrune(store, { now: NOW, all: true }).records.every(planned => planned.remove))
  const young = planCachePrune(store, { now: NOW, filter: filter('until=5d') })
  assert.deepEqual(
    young.records.filter(planned => planned.remove).map(planned => planned.record.title),
    ['old'],
  )
})

test('builder prune takes only what the filters ask for; a record has no labels', async t => {
  const { store } = await fixture(temporaryStore(t))
  const removed = (options: CachePruneOptions) =>
    planCachePrune(store, { now: NOW, all: true, ...options })
      .records.filter(planned => planned.remove)
      .map(planned => planned.record.title)
      .sort()
  assert.deepEqual(removed({ only: ({ record }) => record.title === 'new' }), ['new'])
  assert.deepEqual(removed({ only: ({ shared }) => shared }), ['base'])
  assert.deepEqual(removed({ filter: filter('label=keep') }), [])
  assert.deepEqual(removed({ filter: filter('label!=keep') }), ['base', 'new', 'old'])
})

test('keep-storage leaves the records used last', async t => {
  const { store } = await fixture(temporaryStore(t))
  const removed = (keepStorage: number) =>
    planCachePrune(store, { now: NOW, keepStorage })
      .records.filter(p => p.remove)
      .map(p => p.record.title)
  // Each of the two records has a table of contents and a blob of one 4 KiB block to itself.
  assert.deepEqual(removed(16_384), [])
  assert.deepEqual(removed(16_383), ['old'])
  assert.deepEqual(removed(8192), ['old'])
  assert.deepEqual(removed(0).sort(), ['new', 'old'])
})

test('what a plan promises is freed, and what changed meanwhile stays', async t => {
  const { store, tagged, dangling } = await fixture(temporaryStore(t))
  const plan = planSystemPrune(store, { now: NOW })
  const { images, records, collected } = await executePrune(store, plan)
  assert.deepEqual(
    images.map(image => image.id),
    [dangling],
  )
  assert.deepEqual(records.map(record => record.title).sort(), ['new', 'old'])
  assert.equal(collected.bytes, plan.bytes)
  assert.ok(plan.bytes > 0)

  const later = planSystemPrune(store, { now: NOW, all: true })
  store.images.tag('docker.io/library/app:2', tagged, 'test')
  store.cache.find(sha256('base'))
  const second = await executePrune(store, later)
  assert.deepEqual(second, { images: [], records: [], collected: { removed: [], bytes: 0 } })

  await executePrune(store, planSystemPrune(store, { now: NOW, all: true }))
  assert.deepEqual(store.images.list(), [])
  assert.deepEqual(store.cache.list(), [])
  assert.deepEqual(store.images.tagHistory('docker.io/library/app:1')[0]?.why, 'prune')
})
