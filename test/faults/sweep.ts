import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun, type Outcome } from '../../scripts/bases/process.ts'
import { flipBit, usedByte } from './bits.ts'
import { type Program, programOn } from './program.ts'
import { EPOCH, writeProject } from './project.ts'
import { seeded } from './random.ts'

const PAGE = 4096
const HEADER = 16

/** Damages the page of a database that begins there. */
type Spoil = (database: Buffer, at: number, random: () => number) => void

const SPOILS: readonly (readonly [name: string, spoil: Spoil])[] = [
  ['garbage', (database, at) => database.fill(0x5a, at, at + PAGE)],
  ['zeros', (database, at) => database.fill(0, at, at + PAGE)],
  [
    'three flipped bits',
    (database, at, random) => {
      for (let flip = 0; flip < 3; flip++) flipBit(database, usedByte(database, random, at, PAGE), random)
    },
  ],
  [
    'a flipped bit in its header',
    (database, at, random) => flipBit(database, at + Math.floor(random() * HEADER), random),
  ],
]

export interface SweepOptions {
  readonly seed: number
  /** So many pairs of a page and a way to damage it; every pair if absent. */
  readonly cases?: number | undefined
  /** Only this page, counted from 1. */
  readonly page?: number | undefined
  readonly say?: ((progress: string) => void) | undefined
}

export interface SweepResult {
  readonly cases: number
  /** Cases in which a check found something. */
  readonly found: number
}

interface Bench {
  readonly work: string
  readonly build: readonly string[]
  readonly id: string
  readonly original: Buffer
}

/**
 * Damages one page of a store's database in one way, in a fresh store each time: what reads it is right or names the
 * damage, a repair mends it, and the next build gives the same image.
 */
export async function sweep({ seed, cases, page: only, say }: SweepOptions): Promise<SweepResult> {
  const work = await mkdtemp(join(tmpdir(), 'shale-sweep-'))
  try {
    const build = ['build', '-q', '-t', 'app:1', await writeProject(join(work, 'project'), 60)]
    const id = (await programOn(join(work, 'whole'), EPOCH).must(build)).trim()
    const original = readFileSync(join(work, 'whole/shale.db'))
    const random = seeded(seed)
    const pairs = Array.from({ length: original.length / PAGE }, (_, page) =>
      SPOILS.map((_, kind) => ({ page, kind, seed: Math.floor(random() * 1e9) })),
    ).flat()
    const sample = cases === undefined ? pairs : pairs.toSorted((a, b) => a.seed - b.seed).slice(0, cases)
    const chosen = sample.filter(({ page }) => only === undefined || page === only - 1)
    let found = 0
    const failures: string[] = []
    for (const [index, { page, kind, seed: caseSeed }] of chosen.entries()) {
      try {
        if (await damagePage({ work, build, id, original }, page, kind, seeded(caseSeed))) found++
      } catch (error) {
        failures.push((error as Error).message)
      }
      if (index % 20 === 19) say?.(`${index + 1} of ${chosen.length} damaged pages, ${found} found`)
    }
    assert.equal(failures.length, 0, failures.join('\n\n'))
    return { cases: chosen.length, found }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function damagePage({ work, build, id, original }: Bench, page: number, kind: number, random: () => number) {
  const [name, spoil] = SPOILS[kind] ?? assert.fail(`no damage ${kind}`)
  const root = join(work, 'store')
  await rm(root, { recursive: true, force: true })
  await mustRun('cp', ['-a', join(work, 'whole'), root])
  const database = Buffer.from(original)
  spoil(database, page * PAGE, random)
  writeFileSync(join(root, 'shale.db'), database)
  try {
    return await livesThrough(programOn(root, EPOCH), build, id)
  } catch (cause) {
    throw new Error(`${name} in page ${page + 1}: ${(cause as Error).message}`, { cause })
  }
}

/** True when a check found something. */
async function livesThrough(shale: Program, build: readonly string[], id: string): Promise<boolean> {
  const listed = await shale.call(['images'])
  assertNamed('images', listed)
  const used = await shale.call(build)
  assertNamed('build', used)
  if (used.code === 0) assert.equal(used.stdout.trim(), id, 'a build that succeeds gives the same image')
  const looked = await shale.call(['system', 'check'])
  assertNamed('check', looked)
  const repaired = await shale.call(['system', 'check', '--repair'])
  assertNamed('repair', repaired)
  // A flipped bit in the version's number: nothing may be changed then.
  if (/written by a newer shale/.test(repaired.stderr)) return true
  assert.match(repaired.stdout, /blobs and \d+ unpacked layers/, `the repair ends: ${repaired.stderr}`)
  assert.equal((await shale.must(build)).trim(), id, 'the repaired store gives the same image')
  await shale.must(['system', 'prune', '-f'])
  const { code, stdout, stderr } = await shale.call(['system', 'check'])
  assert.equal(code, 0, `all is well after the build: ${stdout}${stderr}`)
  assert.match(await shale.must(['run', '--rm', 'app:1', '/bin/sh', '-c', 'cat /sum']), /^[0-9a-f]{64} {2}-\n$/)
  return looked.code !== 0
}

function assertNamed(what: string, { code, stdout, stderr }: Outcome): void {
  const said = `${what} says: ${stderr}${stdout}`
  assert.doesNotMatch(said, /bug in Shale/)
  if (code !== 0) assert.match(said, /damaged|lost|incomplete|lacks|does not have|not in the store|newer shale|problem/)
}
