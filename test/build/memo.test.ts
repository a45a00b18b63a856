import assert from 'node:assert/strict'
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Digest } from '../../src/oci/digest.ts'
import type { BenchOptions, Built } from './bench.ts'
import { sharedBench } from './semantics/cases.ts'

/*
 * A COPY whose files have the stats of an earlier build is not planned again. Whether it was is seen by forging: when
 * all that is noted of a folder is set to another layer, a build that believes it gives an image with that layer.
 */
const bench = sharedBench()
const TEXT = 'FROM scratch\nCOPY . /in/'

/** Files are only known by stats that are older than a tick of the clock: so builds begin an hour later. */
const HOUR = 3_600_000
const now = Date.now

function laterClock(t: TestContext): void {
  t.mock.method(Date, 'now', () => now() + HOUR)
}

/** Content ID of the topmost layer. */
function contentOf({ image }: Pick<Built, 'image'>): Digest | undefined {
  return bench().store.layers.byDiffId(image.config.rootfs.diff_ids.at(-1) as Digest)?.contentId
}

let made: Promise<Digest> | undefined

/** Content ID of a layer of the store that has /in/forged. */
function forgedLayer(): Promise<Digest> {
  made ??= (async () => {
    const { image } = await bench().build(TEXT, { context: await bench().context({ forged: 'forged' }) })
    return contentOf({ image }) as Digest
  })()
  return made
}

const TREE = { a: 'aaaa', 'b/c': 'cccc', 'b/d/e': 'eeee', late: { symlink: 'a' } } as const

async function forgedContext(text = TEXT, options: BenchOptions = {}): Promise<string> {
  const context = await bench().context(TREE)
  await bench().build(text, { context, ...options })
  const { statIndex } = bench().store
  const memos = statIndex.memos(context)
  assert.ok(memos.size > 0, 'the build noted what it made')
  const forged = await forgedLayer()
  statIndex.saveMemos(context, new Map([...memos.keys()].map(key => [key, forged])))
  return context
}

async function believes(context: string, text = TEXT, options: BenchOptions = {}): Promise<boolean> {
  const { files } = await bench().build(text, { context, ...options })
  return files.describe('/in/forged') !== undefined
}

test('a build in which nothing has changed plans nothing', async t => {
  laterClock(t)
  assert.ok(await believes(await forgedContext()))
})

test('it gives the same image', async t => {
  laterClock(t)
  const context = await bench().context(TREE)
  const [first, second, planned] = [
    await bench().build(TEXT, { context }),
    await bench().build(TEXT, { context }),
    await bench().build(TEXT, { context, noCache: true }),
  ]
  assert.equal(second.imageId, first.imageId)
  assert.equal(contentOf(second), contentOf(planned))
})

/** With the old size and time of modification: only the time of change tells. */
function rewrite(path: string, content: string): void {
  const { mtimeNs, mtime, atime, ctimeNs } = lstatSync(path, { bigint: true })
  do {
    writeFileSync(path, content)
    utimesSync(path, atime, mtime)
  } while (lstatSync(path, { bigint: true }).ctimeNs === ctimeNs)
  assert.ok(mtimeNs - lstatSync(path, { bigint: true }).mtimeNs < 1_000_000n)
}

const CHANGES: Readonly<Record<string, (at: (path: string) => string) => void>> = {
  'content of a file, size and time as before': at => rewrite(at('b/d/e'), 'EEEE'),
  'a file more': at => writeFileSync(at('b/more'), ''),
  'an empty folder more': at => mkdirSync(at('b/more')),
  'a file less': at => rmSync(at('b/c')),
  'a file renamed': at => renameSync(at('b/c'), at('b/x')),
  'a file moved': at => renameSync(at('b/c'), at('b/d/c')),
  'a file by another name, too': at => linkSync(at('a'), at('b/a')),
  'mode of a file': at => chmodSync(at('a'), 0o711),
  'mode of a folder': at => chmodSync(at('b/d'), 0o711),
  'target of a link': at => {
    rmSync(at('late'))
    symlinkSync('b', at('late'))
  },
  'a pattern of .dockerignore': at => writeFileSync(at('.dockerignore'), '.dockerignore\nb/d'),
}

for (const [title, change] of Object.entries(CHANGES)) {
  test(`${title} → planned`, async t => {
    laterClock(t)
    const context = await forgedContext()
    change(path => join(context, path))
    assert.ok(!(await believes(context)))
  })
}

const TEXTS: Readonly<Record<string, string>> = {
  owner: 'FROM scratch\nCOPY --chown=1:2 . /in/',
  mode: 'FROM scratch\nCOPY --chmod=700 . /in/',
  'an exception': 'FROM scratch\nCOPY --exclude=b . /in/',
  destination: 'FROM scratch\nCOPY . /in/a/',
  'working directory': 'FROM scratch\nWORKDIR /in\nCOPY . in/',
  'what is below': 'FROM scratch\nWORKDIR /in\nCOPY . /in/',
  base: 'FROM busybox\nCOPY . /in/',
  'a source': 'FROM scratch\nCOPY b /in/',
  parents: 'FROM scratch\nCOPY --parents b /in/',
}

for (const [title, text] of Object.entries(TEXTS)) {
  test(`${title} → planned`, async t => {
    laterClock(t)
    assert.ok(!(await believes(await forgedContext(), text)))
  })
}

test('without the cache, with another compression, and with an epoch it is planned', async t => {
  laterClock(t)
  const context = await forgedContext()
  for (const options of [{ noCache: true }, { compression: 'gzip' }, { sourceDateEpoch: 7 }] as const) {
    assert.ok(!(await believes(context, TEXT, options)), JSON.stringify(options))
    assert.ok(bench().store.statIndex.memos(context).size > 0)
  }
})

test('folders that are ignored do not count', async t => {
  laterClock(t)
  const context = await bench().context({ ...TREE, '.dockerignore': 'out' })
  await bench().build(TEXT, { context })
  const before = [...bench().store.statIndex.memos(context)]
  mkdirSync(join(context, 'out'))
  writeFileSync(join(context, 'out/file'), '')
  await bench().build(TEXT, { context })
  assert.deepEqual([...bench().store.statIndex.memos(context)], before)
})

test('files that may yet change within the same tick of the clock are not noted', async t => {
  const context = await bench().context(TREE)
  const { ctimeMs } = lstatSync(join(context, 'a'))
  t.mock.method(Date, 'now', () => Math.floor(ctimeMs))
  await bench().build(TEXT, { context })
  assert.equal(bench().store.statIndex.memos(context).size, 0)
})

test('a name for --chown is found in a layer that was not planned', async t => {
  laterClock(t)
  const context = await bench().context({ 'root/etc/passwd': 'u:x:7:8::/:\n', 'root/etc/group': '', f: 'f' })
  const text = 'FROM scratch\nCOPY root /\nCOPY --chown=u f /\n'
  for (let i = 0; i < 2; i++) {
    const { files } = await bench().build(text, { context })
    assert.match(String(files.describe('/f')), /7:8/)
  }
})
