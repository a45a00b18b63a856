import { test } from 'node:test'
import { flips } from './flips.ts'
import { sweep } from './sweep.ts'

/** The whole of both is `npm run soak`'s. */
test('a damaged page of the database is named and mended', { timeout: 180_000 }, async t => {
  t.diagnostic(JSON.stringify(await sweep({ seed: 20261126, cases: 3 })))
})

test('a bit flipped in the database gives no wrong layer, and is named and mended', { timeout: 180_000 }, async t => {
  t.diagnostic(JSON.stringify(await flips({ flips: 30, seed: 20261126 })))
})
