import { test } from 'node:test'
import { crowd } from './crowd.ts'

for (const [processes, killed] of [
  [2, 0],
  [8, 2],
] as const) {
  test(`${processes} processes work on one store at once, ${killed} more die`, { timeout: 180_000 }, async t => {
    t.diagnostic(JSON.stringify(await crowd({ processes, killed, files: 100, seed: processes })))
  })
}
