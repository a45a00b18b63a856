import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { tmp } from '../support/shale.ts'
import { load } from './load.ts'

/** A minute of it is `npm run soak`'s. */
test('64 clients push and pull without an error, in 170 MB of memory', { timeout: 60_000 }, async t => {
  const result = await load({ root: join(await tmp(t), 'store'), clients: 64, seconds: 5, seed: 20261126 })
  t.diagnostic(JSON.stringify(result))
  assert.ok(result.pushes > 64 && result.pulls > 64, 'they came far')
  assert.ok(result.peakMemory <= 170, `${result.peakMemory} MiB`)
})
