import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestHex, sha256 } from '../oci/digest.ts'
import type { StatEntry } from './stat-codec.ts'
import { sameStat, trustworthy } from './stat-index.ts'
import { temporaryStore } from './testing.ts'
import type { FileStat } from './types.ts'

function stat(change: Partial<FileStat> = {}): FileStat {
  return { dev: 2049n, ino: 7n, size: 5n, mode: 0o100644n, mtimeNs: 1_700_000_000_000_000_001n, ctimeNs: 3n, ...change }
}

function entries(count: number): Map<string, StatEntry> {
  const made = new Map<string, StatEntry>()
  for (let i = 0; i < count; i++) {
    const digest = digestHex(sha256(String(i)))
    made.set(`a/folder/of/some/depth/${i % 97}/fïle-${i}.ts`, { stat: stat({ ino: BigInt(i) }), digest })
  }
  return made
}

function assertSame(actual: ReadonlyMap<string, StatEntry>, expected: ReadonlyMap<string, StatEntry>): void {
  assert.deepEqual([...actual.keys()], [...expected.keys()])
  for (const [path, { stat, digest }] of expected) {
    const found = actual.get(path) as StatEntry
    assert.equal(found.digest, digest)
    assert.ok(sameStat(found.stat, stat), path)
  }
}

test('entries come back as saved, for their folder only', t => {
  const store = temporaryStore(t)
  const saved = entries(300)
  const extremes = { ino: 2n ** 64n - 1n, dev: 2n ** 63n, mtimeNs: -5n, size: 2n ** 40n }
  saved.set('extremes', { stat: stat(extremes), digest: digestHex(sha256('x')) })
  store.statIndex.save('/a', saved)
  store.statIndex.save('/empty', new Map())
  assertSame(store.statIndex.load('/a'), saved)
  assert.equal(store.statIndex.load('/empty').size, 0)
  assert.equal(store.statIndex.load('/b').size, 0)
})

test('a damaged index is an empty one', t => {
  const store = temporaryStore(t)
  store.statIndex.save('/a', entries(3))
  const folder = store.layout.statIndex
  const path = join(folder, readdirSync(folder)[0] as string)
  const bytes = readFileSync(path)
  for (let length = 0; length < bytes.length; length += 7) {
    writeFileSync(path, bytes.subarray(0, length))
    assert.equal(store.statIndex.load('/a').size, 0)
  }
  for (let at = 0; at < bytes.length; at += 5) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] as number) ^ 1
    writeFileSync(path, changed)
    assert.equal(store.statIndex.load('/a').size, 0)
  }
})

test('80,000 entries load and save fast', t => {
  const store = temporaryStore(t)
  const saved = entries(80_000)
  const times = [1, 2, 3].map(() => {
    const start = performance.now()
    store.statIndex.save('/a', saved)
    const middle = performance.now()
    assert.equal(store.statIndex.load('/a').size, 80_000)
    return [middle - start, performance.now() - middle] as const
  })
  const save = Math.min(...times.map(([time]) => time))
  const load = Math.min(...times.map(([, time]) => time))
  t.diagnostic(`save ${save.toFixed(0)} ms, load ${load.toFixed(0)} ms`)
  assert.ok(save < 1000 && load < 600, 'ten times what is aimed at, so that a busy machine does not fail')
})

test('a file changed within a clock tick of the read is not trusted', () => {
  const readAt = 1_700_000_000_500_000_000n
  const rows: readonly (readonly [ctimeNs: bigint, trusted: boolean])[] = [
    [readAt - 1_000_000n, false],
    [readAt - 19_000_000n, false],
    [readAt - 30_000_001n, true],
    [readAt + 1n, false],
    [1_700_000_000_000_000_000n, false],
    [1_699_999_998_000_000_000n, true],
  ]
  for (const [ctimeNs, trusted] of rows) assert.equal(trustworthy(stat({ ctimeNs }), readAt), trusted, String(ctimeNs))
})
