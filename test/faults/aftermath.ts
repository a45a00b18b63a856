import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { treeRemover } from '../../src/sandbox/remove-tree.ts'
import { checkStore } from '../../src/store/check.ts'
import { openForCheck } from '../../src/store/check-open.ts'
import { collect } from '../../src/store/collect.ts'
import { openStore } from '../../src/store/open.ts'
import type { Program } from './program.ts'

/** What one check of a store said. */
export interface Health {
  /** Problems that it found before the repair. */
  readonly repaired: number
}

/** The store opens, and its check is clean or repairs everything: what `shale system check --repair` does. */
export async function assertHealthy({ root }: Program): Promise<Health> {
  const { findings } = await checked(root, false)
  if (findings.length === 0) return { repaired: 0 }
  const { left, rebuilt } = await checked(root, true)
  const said = findings.map(({ problem }) => problem).join('\n')
  assert.deepEqual([left, rebuilt?.lostTags ?? []], [[], []], `not repaired:\n${said}`)
  return { repaired: findings.length }
}

async function checked(root: string, repair: boolean) {
  const { store, rebuilt } = await openForCheck({ root, removeTree: treeRemover(root) }, repair)
  try {
    return { ...(await checkStore(store, { repair })), rebuilt }
  } finally {
    store.close()
  }
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
