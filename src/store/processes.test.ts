import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Digest } from '../oci/digest.ts'
import { collect } from './collect.ts'
import { type LocalStore, openStore } from './open.ts'
import { addImage, addLayer, temporaryFolder } from './testing.ts'

const WORKER = fileURLToPath(new URL('testing-worker.ts', import.meta.url))

interface Worker {
  readonly process: ChildProcess
  readonly errors: Promise<string>
}

async function start(t: TestContext, root: string, job: string, name: string, count: number): Promise<Worker> {
  const child = spawn(process.execPath, [WORKER, root, job, name, String(count)], { stdio: ['pipe', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  const errors = text(child.stderr)
  const [said]: readonly unknown[] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  assert.equal(String(said), 'ready\n', `worker ${name} did not start`)
  return { process: child, errors }
}

/** Lets all begin at the same moment and expects every one to succeed. */
async function runTogether(workers: readonly Worker[]): Promise<void> {
  const ends = workers.map(worker => once(worker.process, 'exit'))
  for (const { process } of workers) process.stdin?.write('go\n')
  for (const [i, end] of ends.entries()) {
    const [code] = await end
    assert.equal(code, 0, (await workers[i]?.errors) ?? '')
  }
}

function opened(t: TestContext, root: string): LocalStore {
  const store = openStore({ root })
  t.after(() => store.close())
  return store
}

/** All that is registered can be read whole, and every blob's file is what its name says. */
async function assertConsistent(store: LocalStore): Promise<void> {
  const check = store.database.get<{ integrity_check: string }>('PRAGMA integrity_check')
  assert.equal(check?.integrity_check, 'ok')
  assert.deepEqual(store.database.all('PRAGMA foreign_key_check'), [])
  for (const { id } of store.images.list()) {
    const image = await store.images.open(id)
    for (const [i, { digest }] of image.manifest.layers.entries()) {
      assert.equal((await store.blobs.read(digest)).subarray(0, 5).toString(), 'blob ')
      const layer = store.layers.byDiffId(image.config.rootfs.diff_ids[i] as Digest)
      await store.layers.toc(layer ?? assert.fail(`image ${id} lost the record of layer ${digest}`))
    }
  }
  for (const name of readdirSync(join(store.layout.blobs, 'sha256'))) {
    const digest: Digest = `sha256:${name}`
    if (store.blobs.size(digest) !== undefined) await store.blobs.read(digest)
  }
}

test('30 processes write 50 tags each, and none is lost', async t => {
  const root = temporaryFolder(t)
  const store = opened(t, root)
  const lease = store.lease('test')
  await addImage(store, lease, { layers: [await addLayer(store, lease, 'x')] })
  const workers: Worker[] = []
  for (let i = 0; i < 30; i += 6) {
    const batch = Array.from({ length: 6 }, (_, j) => start(t, root, 'tag', `app${i + j}`, 50))
    workers.push(...(await Promise.all(batch)))
  }
  const began = performance.now()
  await runTogether(workers)
  t.diagnostic(`1,500 writes in ${(performance.now() - began).toFixed(0)} ms`)
  assert.equal(store.images.list()[0]?.names.length, 1500)
})

test('processes that open a new store at once all find it', async t => {
  const root = join(temporaryFolder(t), 'store')
  await runTogether(await Promise.all(Array.from({ length: 6 }, (_, i) => start(t, root, 'collect', `c${i}`, 1))))
  assert.deepEqual(opened(t, root).images.list(), [])
})

test('processes that put the same blobs leave one file of each', async t => {
  const root = temporaryFolder(t)
  const store = opened(t, root)
  await runTogether(await Promise.all(Array.from({ length: 4 }, (_, i) => start(t, root, 'put', `p${i}`, 5))))
  const names = readdirSync(join(root, 'blobs/sha256'))
  assert.equal(names.length, 5)
  for (const name of names) assert.equal(statSync(store.blobs.path(`sha256:${name}`)).size, 1 << 20)
  await assertConsistent(store)
  assert.deepEqual(readdirSync(store.tempDir), [])
})

test('collections take nothing from builds that run at the same time', async t => {
  const root = temporaryFolder(t)
  const store = opened(t, root)
  await runTogether(
    await Promise.all([
      start(t, root, 'build', 'one', 40),
      start(t, root, 'build', 'two', 40),
      start(t, root, 'build', 'three', 40),
      start(t, root, 'collect', 'a', 60),
      start(t, root, 'collect', 'b', 60),
    ]),
  )
  await assertConsistent(store)
  assert.equal(store.images.list().length, 60)
})

test('a process killed at any instant leaves a whole store and only garbage', async t => {
  const root = temporaryFolder(t)
  for (let round = 0; round < 6; round++) {
    const workers = await Promise.all([
      start(t, root, 'churn', `a${round}`, 0),
      start(t, root, 'churn', `b${round}`, 0),
    ])
    const ends = workers.map(worker => once(worker.process, 'exit'))
    for (const { process } of workers) process.stdin?.write('go\n')
    for (const { process } of workers) {
      await once(process.stdout ?? assert.fail(), 'data')
      for (let chunk = 0; chunk < round; chunk++) await once(process.stdout ?? assert.fail(), 'data')
      process.kill('SIGKILL')
    }
    for (const end of ends) assert.equal((await end)[1], 'SIGKILL')
    const store = openStore({ root })
    await assertConsistent(store)
    store.close()
  }
  const store = opened(t, root)
  await collect(store, { now: Date.now() + 25 * 60 * 60 * 1000, orphanGraceMs: 0 })
  await collect(store, { now: Date.now() + 25 * 60 * 60 * 1000, orphanGraceMs: 0 })
  await assertConsistent(store)
  const kept = store.database.all<{ digest: Digest }>('SELECT digest FROM blobs').map(row => row.digest.slice(7))
  assert.deepEqual(
    readdirSync(join(root, 'blobs/sha256')).sort(),
    kept.sort(),
    'a file for each row, a row for each file',
  )
  assert.deepEqual(readdirSync(store.tempDir), [])
  assert.deepEqual(readdirSync(store.layout.trash), [])
  assert.equal(readdirSync(store.layout.trees).length, store.database.all('SELECT id FROM trees').length)
})
