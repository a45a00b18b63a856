import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fullDisks, whyNoDisk } from './full-disk.ts'

const reason = whyNoDisk()

if (reason !== undefined) console.log(`full disks are not tested here: ${reason}`)
else {
  test('a full disk is named, leaves the store whole, and is forgotten when there is space', {
    timeout: 180_000,
  }, async t => {
    const result = await fullDisks({ steps: 2, files: 60 })
    t.diagnostic(JSON.stringify(result))
    assert.ok(result.full >= 12, 'the disk was full')
  })
}
