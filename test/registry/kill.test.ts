import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { shale, tmp } from '../support/shale.ts'
import { killRounds } from './kill-rounds.ts'

/** The full count is `npm run soak`'s. */
test('a server killed during pushes has everything that it acknowledged', { timeout: 120_000 }, async t => {
  const root = join(await tmp(t), 'store')
  const result = await killRounds({ root, rounds: 5, seed: 20261126 })
  t.diagnostic(JSON.stringify(result))
  assert.ok(result.images > 5, 'images were pushed')
  const call = await shale(t)
  const { code, stdout } = await call(['--root', root, 'system', 'check'])
  assert.equal(code, 0, stdout)
})
