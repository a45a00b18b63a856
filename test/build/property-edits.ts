import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ShaleError } from '../../src/error.ts'
import { WHOLE } from '../support/sample.ts'
import type { Bench, Built } from './bench.ts'
import { dockerfileOf, mutate, newContext, newProject, type Project, Random } from './generated.ts'
import { sharedBench } from './semantics/cases.ts'

const SEED = Number(process.env.SHALE_TEST_SEED ?? 20_260)
const EDITS_PER_PROJECT = 25
/** At the same time, in one store: a build waits for the disk and for processes most of the time. */
const PROJECTS_AT_ONCE = 2

/** Half of the 500 edits, or of a sample of 200; the other half is another file's, for files run side by side. */
const PROJECTS_PER_FILE = WHOLE ? 10 : 4

/** Edits generated projects again and again; after each edit the cached build must equal one without the cache. */
export function testRandomEdits(part: 0 | 1): void {
  const bench = sharedBench()
  const first = SEED + part * 10
  const edits = PROJECTS_PER_FILE * EDITS_PER_PROJECT
  test(`${edits} random edits: what the cache gives is what building anew gives (seed ${first})`, async t => {
    const seeds = Array.from({ length: PROJECTS_PER_FILE }, (_, round) => first + round)
    const tallies: Tally[] = []
    const work = async () => {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
        tallies.push(...(await editProject(bench(), seed)))
      }
    }
    await Promise.all(Array.from({ length: PROJECTS_AT_ONCE }, work))
    assert.equal(tallies.length, edits)
    checkWorth(t, tallies)
  })
}

/** Steps of a cached build; undefined when it failed. */
type Tally = Pick<Built, 'cached' | 'ran'> | undefined

/** The cached builds after each edit of one project. */
async function editProject(at: Bench, seed: number): Promise<readonly Tally[]> {
  const random = new Random(seed)
  const folder = await at.context()
  newContext(random, folder)
  let project = newProject(random)
  const tallies: Tally[] = []
  for (let edit = 0; edit < EDITS_PER_PROJECT; edit++) {
    const next = mutate(random, project, folder)
    project = next.project
    const told = `SHALE_TEST_SEED=${seed}, edit ${edit} (${next.what}):\n${dockerfileOf(project)}`
    const [quick, anew] = await both(at, folder, project)
    assert.deepEqual(quick.result, anew.result, told)
    tallies.push(quick.tally)
  }
  return tallies
}

/** Equal results prove nothing if the cache gave little or the builds failed. */
function checkWorth(t: TestContext, tallies: readonly Tally[]): void {
  const built = tallies.flatMap(tally => tally ?? [])
  const cached = built.reduce((sum, each) => sum + each.cached, 0)
  const ran = built.reduce((sum, each) => sum + each.ran, 0)
  const failed = tallies.length - built.length
  t.diagnostic(`${cached} steps cached, ${ran} ran, ${failed} builds failed in the same way both times`)
  assert.ok(cached > ran, 'most steps come from the cache')
  assert.ok(failed < tallies.length / 10, `${failed} of the builds fail`)
}

interface Outcome {
  readonly tally?: Tally
  readonly result: unknown
}

async function both(at: Bench, context: string, project: Project): Promise<readonly [Outcome, Outcome]> {
  const text = dockerfileOf(project)
  const { buildArgs } = project
  const quick = await outcome(() => at.build(text, { context, buildArgs }))
  const anew = await outcome(() => at.build(text, { context, buildArgs, noCache: true }))
  return [quick, anew]
}

async function outcome(build: () => Promise<Built>): Promise<Outcome> {
  try {
    const built = await build()
    return { tally: { cached: built.cached, ran: built.ran }, result: comparable(built) }
  } catch (error) {
    if (error instanceof ShaleError) return { result: `${error.code}: ${error.message}` }
    throw error
  }
}

/** Everything of an image but its times. */
function comparable({ files, image }: Built): unknown {
  const { created: _, rootfs: __, history, ...config } = image.config
  const lines = history?.map(({ created_by, empty_layer }) => [created_by, empty_layer])
  return { contentIds: files.contentIds, config, lines }
}
