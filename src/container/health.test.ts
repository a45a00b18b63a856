import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterCheck, type Check, UNKNOWN_HEALTH } from './health.ts'

const check = (exitCode: number): Check => ({ start: '', end: '', exitCode, output: '' })

const CASES: readonly (readonly [what: string, codes: readonly number[], startPeriodMs: number, found: string])[] = [
  ['one good check is enough', [0], 0, 'healthy 0'],
  ['failures count up to the retries', [1, 1], 0, 'starting 2'],
  ['and then it is unhealthy', [1, 1, 1], 0, 'unhealthy 3'],
  ['a good one makes up for all', [1, 1, 1, 0], 0, 'healthy 0'],
  ['a healthy one has its retries, too', [0, 1, 1], 0, 'healthy 2'],
  ['failures in the start period do not count', [1, 1, 1, 1], 1e6, 'starting 0'],
  ['unless a check was good before', [0, 1, 1, 1], 1e6, 'unhealthy 3'],
]

test('what health checks amount to', () => {
  for (const [what, codes, startPeriodMs, found] of CASES) {
    const health = codes.reduce(
      (so, code) => afterCheck(so, check(code), { retries: 3, startPeriodMs }, 1000),
      UNKNOWN_HEALTH,
    )
    assert.equal(`${health.status} ${health.failingStreak}`, found, what)
  }
})
