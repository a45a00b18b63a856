import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Outcome } from '../../scripts/bases/process.ts'
import { openStore } from '../../src/index.ts'
import { executePrune, planSystemPrune } from '../../src/store/prune.ts'
import { type Shale, type ShaleOptions, shale, tmp } from '../support/shale.ts'

/** What no input may make the command line take; an ordinary call takes 80 to 120 MB. */
export const MEMORY_MB = 400
/** Far more than any of these inputs needs, also on a busy machine. */
const TIMEOUT_MS = 120_000

export interface Bench {
  /** Runs `shale` and checks memory and that it was neither killed nor broken inside. */
  readonly call: (args: readonly string[], options?: ShaleOptions) => Promise<Outcome>
  /** A folder that no input has any business in, and a file in it. */
  readonly outside: string
  readonly canary: string
  /** A folder for what the test itself makes. */
  readonly folder: string
  /** Fails when anything outside of the store changed. */
  readonly checkOutside: () => Promise<void>
  /** Fails when a refused input left anything behind that a collection does not take away. */
  readonly checkStoreEmpty: () => Promise<void>
}

export async function bench(t: TestContext): Promise<Bench> {
  const folder = await tmp(t, 'hostile')
  const outside = await tmp(t, 'outside')
  const canary = join(outside, 'canary')
  await writeFile(canary, 'alive')
  const run = await shale(t)
  return {
    call: (args, options) => measured(run, folder, args, options),
    outside,
    canary,
    folder,
    checkOutside: async () => {
      assert.deepEqual(await readdir(outside), ['canary'])
      assert.equal(await readFile(canary, 'utf8'), 'alive')
    },
    checkStoreEmpty: () => storeIsEmpty(run),
  }
}

async function measured(
  run: Shale,
  folder: string,
  args: readonly string[],
  options: ShaleOptions = {},
): Promise<Outcome> {
  const report = join(folder, 'memory')
  const env = {
    ...options.env,
    NODE_OPTIONS: `--import=${new URL('report-memory.ts', import.meta.url).href}`,
    SHALE_TEST_MEMORY: report,
  }
  const outcome = await run(args, { timeoutMs: TIMEOUT_MS, ...options, env })
  const said = `shale ${args.join(' ')}: exit ${outcome.code}\n${outcome.stderr.slice(-2000)}`
  assert.ok(outcome.code < 128, said)
  assert.doesNotMatch(outcome.stderr, /RangeError|TypeError|heap out of memory|\n {4}at /, said)
  const mb = Number(await readFile(report, 'utf8')) / 1024
  await rm(report)
  assert.ok(mb > 20 && mb <= MEMORY_MB, `${mb} MB, ${said}`)
  return outcome
}

async function storeIsEmpty(run: Shale): Promise<void> {
  const store = openStore({ root: run.root })
  try {
    assert.deepEqual(store.images.list(), [])
    await executePrune(store, planSystemPrune(store, { all: true }))
  } finally {
    store.close()
  }
  const left = await Promise.all(
    ['blobs/sha256', 'blobs/sha512', 'tmp', 'trees', 'trash'].map(part => readdir(join(run.root, part))),
  )
  assert.deepEqual(left.flat(), [])
}
