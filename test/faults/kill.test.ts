import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killRounds } from './kill-rounds.ts'

/** The full count is `npm run soak`'s. */
test('a command killed at any instant loses nothing and leaves nothing', { timeout: 180_000 }, async t => {
  const result = await killRounds({ rounds: 2, files: 300, seed: 20261124 })
  t.diagnostic(JSON.stringify(result))
  assert.ok(result.kills >= 10 || result.late > 0)
})
