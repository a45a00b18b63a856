import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { collect } from '../../src/store/collect.ts'
import { openStore } from '../../src/store/open.ts'
import type { Program } from './program.ts'

/** What one check of a store said. */
export interface Health {
  /** Problems that it found before the repair. */
  readonly repaired: number
}

/** The store opens, and its check is clean or repairs everything. */
export async function assertHealthy(shale: Program): Promise<Health> {
  const { code, stdout, stderr } = await shale.call(['system', 'check'])
  if (code === 0) return { repaired: 0 }
  assert.equal(code, 1, stderr)
  const repair = await shale.call(['system', 'check', '--repair'])
  assert.equal(repair.code, 0, `${stdout}\n${repair.stdout}\n${repair.stderr}`)
  return { repaired: stdout.split('\n').filter(line => line.includes('with --repair')).length }
}

const A_DAY_AND_MORE_MS = 25 * 60 * 60 * 1000

/** Without images and records, a collection of tomorrow leaves nothing: no blob, tree or temporary file. */
export async function assertCollectable(shale: Program): Promise<void> {
  await shale.must(['system', 'prune', '-af'])
  const store = openStore({ root: shale.root })
  try {
    const now = Date.now() + A_DAY_AND_MORE_MS
    await collect(store, { now, orphanGraceMs: 0 })
    await collect(store, { now, orphanGraceMs: 0 })
    const { layout } = store
    const folders = [`${layout.blobs}/sha256`, layout.temp, layout.trash, layout.trees]
    assert.deepEqual(
      folders.map(folder => readdirSync(folder)),
      [[], [], [], []],
    )
    for (const table of ['blobs', 'layers', 'trees', 'leases', 'holds']) {
      assert.deepEqual(store.database.all(`SELECT * FROM ${table}`), [], table)
    }
  } finally {
    store.close()
  }
}
