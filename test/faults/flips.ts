import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun } from '../../scripts/bases/process.ts'
import { ShaleError } from '../../src/error.ts'
import { checkStore } from '../../src/store/check.ts'
import { openForCheck } from '../../src/store/check-open.ts'
import { collect } from '../../src/store/collect.ts'
import { type LocalStore, openStore } from '../../src/store/open.ts'
import { flipBit, usedByte } from './bits.ts'
import { programOn } from './program.ts'
import { EPOCH, writeProject } from './project.ts'
import { seeded } from './random.ts'

export interface FlipOptions {
  readonly flips: number
  readonly seed: number
  readonly say?: ((progress: string) => void) | undefined
}

export interface FlipResult {
  readonly flips: number
  /** Flips that a reader, the check or the repair named; others hit what nobody reads. */
  readonly named: number
  /** Flips after which the database was made anew. */
  readonly rebuilt: number
}

/**
 * Flips one bit of a store's database, each time in a fresh store: no reader fails but by naming the damage, a step or
 * layer that is found is the one that was recorded, and after a repair a check finds nothing.
 */
export async function flips({ flips: count, seed, say }: FlipOptions): Promise<FlipResult> {
  const work = await mkdtemp(join(tmpdir(), 'shale-flips-'))
  try {
    const whole = join(work, 'whole')
    await programOn(whole, EPOCH).must(['build', '-q', '-t', 'app:1', await writeProject(join(work, 'project'), 10)])
    const original = readFileSync(join(whole, 'shale.db'))
    const truth = truthOf(whole)
    const random = seeded(seed)
    const result = { flips: count, named: 0, rebuilt: 0 }
    for (let flip = 0; flip < count; flip++) {
      const bytes = Buffer.from(original)
      const at = usedByte(bytes, random)
      flipBit(bytes, at, random)
      const root = join(work, 'store')
      await rm(root, { recursive: true, force: true })
      await mustRun('cp', ['-a', whole, root])
      writeFileSync(join(root, 'shale.db'), bytes)
      const outcome = await survives(root, truth).catch(cause => {
        throw new Error(`byte ${at} is 0x${bytes[at]?.toString(16)}: ${cause.stack}`, { cause })
      })
      if (outcome !== 'unnoticed') result.named++
      if (outcome === 'rebuilt') result.rebuilt++
      if (flip % 100 === 99) say?.(`${flip + 1} flipped bits, ${result.named} named`)
    }
    return result
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** What the recorded steps made. */
type Truth = ReadonlyMap<string, string>

function truthOf(root: string): Truth {
  const store = openStore({ root })
  try {
    return new Map(store.cache.list().map(({ key, layerId }) => [key, madeBy(store, layerId)]))
  } finally {
    store.close()
  }
}

function madeBy(store: LocalStore, layerId: number | undefined): string {
  const layer = layerId === undefined ? undefined : store.layers.byId(layerId)
  return layer === undefined ? 'nothing' : JSON.stringify([layer.tocDigest, layer.contentId, layer.diffId, layer.blobs])
}

async function survives(root: string, truth: Truth): Promise<'unnoticed' | 'named' | 'rebuilt'> {
  const read = await naming(() => readAll(root, truth))
  const checked = await naming(async () => {
    const { store } = await openForCheck({ root }, false)
    return await findings(store, false)
  })
  if (read === 'STORE_TOO_NEW') return 'named'
  const { store, rebuilt } = await openForCheck({ root }, true)
  const repaired = await findings(store, true)
  const again = (await openForCheck({ root }, false)).store
  const left = await findings(again, false)
  assert.deepEqual(left, [], 'nothing is found after a repair')
  if (rebuilt !== undefined) return 'rebuilt'
  return read === undefined && checked === undefined && repaired.length === 0 ? 'unnoticed' : 'named'
}

/** The code of the error that names the damage, if there is one. Any other error is a bug. */
async function naming(action: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await action()
    return undefined
  } catch (error) {
    if (error instanceof ShaleError) return error.code
    throw error
  }
}

async function readAll(root: string, truth: Truth): Promise<void> {
  const store = openStore({ root })
  try {
    for (const [key, made] of truth) {
      const record = store.cache.find(key as `sha256:${string}`)
      if (record === undefined) continue
      const layer = record.layerId === undefined ? undefined : store.layers.byId(record.layerId)
      if (record.layerId === undefined || layer !== undefined)
        assert.equal(madeBy(store, record.layerId), made, 'the layer')
    }
    for (const { id } of store.images.list()) await store.images.open(id)
    store.cache.list()
    await collect(store, { orphanGraceMs: 0 })
  } finally {
    store.close()
  }
}

async function findings(store: LocalStore, repair: boolean): Promise<readonly string[]> {
  try {
    return (await checkStore(store, { repair })).findings.map(({ problem }) => problem)
  } finally {
    store.close()
  }
}
