import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Digest, digestHex, sha256 } from '../oci/digest.ts'
import { DigestTable, type ReadFile } from './digest-table.ts'
import { FileStat, STAT_WORDS } from './file-stat.ts'
import { trustworthy } from './stat-index.ts'
import { temporaryStore } from './testing.ts'

function stat(ino: number): FileStat {
  return new FileStat(new Uint32Array(STAT_WORDS).fill(7).fill(ino, 2, 3))
}

function files(count: number, from = 0): Map<string, ReadFile> {
  const made = new Map<string, ReadFile>()
  for (let i = from; i < from + count; i++) {
    made.set(`a/folder/of/some/depth/${i % 97}/f\xefle-${i}.ts`, {
      stat: stat(i),
      digest: digestHex(sha256(String(i))),
    })
  }
  return made
}

const NONE = new Uint8Array(0)

function table(count: number): DigestTable {
  return DigestTable.EMPTY.next(NONE, files(count))
}

function assertHas(actual: DigestTable, expected: ReadonlyMap<string, ReadFile>): void {
  for (const [path, { stat, digest }] of expected) {
    const row = actual.find(path, stat)
    assert.ok(row >= 0, path)
    assert.equal(actual.digest(row), digest)
  }
}

test('digests come back as saved, for their folder, path and stat only', t => {
  const store = temporaryStore(t)
  store.statIndex.save('/a', table(300))
  const loaded = store.statIndex.load('/a')
  assert.equal(loaded.count, 300)
  assertHas(loaded, files(300))
  assert.ok(loaded.find([...files(1).keys()][0] as string, stat(1)) < 0, 'another stat')
  assert.ok(loaded.find('another path', stat(0)) < 0)
  assert.equal(store.statIndex.load('/b').count, 0)
})

test('a file read anew replaces itself; one that is not seen for long is forgotten', () => {
  const [path] = files(1).keys() as IterableIterator<string>
  const first = table(3)
  const changed = new Map([[path as string, { stat: stat(99), digest: digestHex(sha256('new')) }]])
  let now = first.next(NONE, changed)
  assert.equal(now.count, 3)
  assertHas(now, changed)
  const kept = [...files(3)][1] as [string, ReadFile]
  for (let saving = 0; saving < 10; saving++) {
    const seen = new Uint8Array(now.count).fill(1, now.find(kept[0], kept[1].stat), now.find(kept[0], kept[1].stat) + 1)
    now = now.next(seen, changed)
  }
  assert.equal(now.count, 2, 'the file that is still seen and the one that is read each time')
  assertHas(now, new Map([kept, ...changed]))
})

test('what COPY made comes back, the newest first and not without end', t => {
  const { statIndex } = temporaryStore(t)
  const memos = new Map<Digest, Digest>()
  for (let i = 0; i < 1000; i++) memos.set(sha256(`key ${i}`), sha256(`made ${i}`))
  statIndex.saveMemos('/a', memos)
  const loaded = [...statIndex.memos('/a')]
  assert.ok(loaded.length > 100 && loaded.length < 1000)
  assert.deepEqual(loaded, [...memos].slice(0, loaded.length))
  assert.equal(statIndex.memos('/b').size, 0)
})

test('a damaged index is an empty one', t => {
  const store = temporaryStore(t)
  const folder = store.layout.statIndex
  const parts = [
    [() => store.statIndex.save('/a', table(3)), () => store.statIndex.load('/a').count],
    [
      () => store.statIndex.saveMemos('/b', new Map([[sha256('a'), sha256('b')]])),
      () => store.statIndex.memos('/b').size,
    ],
  ] as const
  for (const [save, count] of parts) {
    const before = new Set(readdirSync(folder))
    save()
    const path = join(folder, readdirSync(folder).find(name => !before.has(name)) as string)
    const bytes = readFileSync(path)
    for (let length = 0; length < bytes.length; length += 7) {
      writeFileSync(path, bytes.subarray(0, length))
      assert.equal(count(), 0)
    }
    for (let at = 0; at < bytes.length; at += 5) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ 1
      writeFileSync(path, changed)
      assert.equal(count(), 0)
    }
  }
})

test('80,000 files load and save fast', t => {
  const store = temporaryStore(t)
  const saved = files(80_000)
  const times = [1, 2, 3].map(() => {
    const start = performance.now()
    store.statIndex.save('/a', DigestTable.EMPTY.next(NONE, saved))
    const middle = performance.now()
    assertHas(store.statIndex.load('/a'), saved)
    return [middle - start, performance.now() - middle] as const
  })
  const save = Math.min(...times.map(([time]) => time))
  const load = Math.min(...times.map(([, time]) => time))
  t.diagnostic(`save ${save.toFixed(0)} ms, load and find all ${load.toFixed(0)} ms`)
  assert.ok(save < 1000 && load < 1000, 'ten times what is aimed at, so that a busy machine does not fail')
})

test('a file changed within a clock tick of the read is not trusted', () => {
  const readAt = 1_700_000_000_500
  const rows: readonly (readonly [seconds: number, ns: number, trusted: boolean])[] = [
    [1_700_000_000, 499_000_000, false],
    [1_700_000_000, 481_000_000, false],
    [1_700_000_000, 470_000_000, true],
    [1_700_000_000, 500_000_001, false],
    [1_700_000_000, 0, false],
    [1_699_999_998, 0, true],
  ]
  for (const [seconds, ns, trusted] of rows) {
    const words = new Uint32Array(STAT_WORDS)
    words.set([seconds, 0, ns], 9)
    assert.equal(trustworthy(new FileStat(words), readAt), trusted, `${seconds}.${ns}`)
  }
})
