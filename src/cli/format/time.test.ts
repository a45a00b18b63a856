import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goTime, humanDuration, isoLocalTime, timeAgo } from './time.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

// Source: the cases of docker/go-units' duration_test.go, restated.
const DURATIONS: readonly (readonly [number, string])[] = [
  [450, 'Less than a second'],
  [SECOND, '1 second'],
  [47 * SECOND, '47 seconds'],
  [MINUTE, 'About a minute'],
  [3 * MINUTE, '3 minutes'],
  [35 * MINUTE + 40 * SECOND, '35 minutes'],
  [HOUR, 'About an hour'],
  [HOUR + 29 * MINUTE, 'About an hour'],
  [HOUR + 31 * MINUTE, '2 hours'],
  [3 * HOUR, '3 hours'],
  [3 * HOUR + 29 * MINUTE, '3 hours'],
  [3 * HOUR + 31 * MINUTE, '4 hours'],
  [DAY, '24 hours'],
  [36 * HOUR, '36 hours'],
  [2 * DAY, '2 days'],
  [7 * DAY, '7 days'],
  [13 * DAY + 5 * HOUR, '13 days'],
  [2 * 7 * DAY, '2 weeks'],
  [2 * 7 * DAY + 4 * DAY, '2 weeks'],
  [3 * 7 * DAY, '3 weeks'],
  [1 * 30 * DAY + 14 * DAY, '6 weeks'],
  [2 * 30 * DAY, '2 months'],
  [23 * 30 * DAY, '23 months'],
  [2 * 365 * DAY, '2 years'],
  [6 * 365 * DAY + 14 * DAY, '6 years'],
]

for (const [milliseconds, text] of DURATIONS) {
  test(`${milliseconds} ms: ${text}`, () => assert.equal(humanDuration(milliseconds), text))
}

test('a moment that is not known is N/A', () => {
  assert.equal(timeAgo(undefined, 0), 'N/A')
  assert.equal(timeAgo(Number.NaN, 0), 'N/A')
  assert.equal(timeAgo(0, 2 * HOUR), '2 hours ago')
})

test('a moment in the local zone, as Go and as RFC 3339 have it', () => {
  const moment = new Date(2024, 4, 1, 9, 5, 7).getTime()
  assert.match(goTime(moment), /^2024-05-01 09:05:07 [+-]\d{4} \S+$/)
  assert.match(isoLocalTime(moment), /^2024-05-01T09:05:07(?:Z|[+-]\d\d:\d\d)$/)
})
