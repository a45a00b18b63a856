import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShaleError } from '../../src/error.ts'
import type { Bench, Built } from './bench.ts'
import { dockerfileOf, mutate, newContext, newProject, type Project, Random } from './generated.ts'
import { sharedBench } from './semantics/cases.ts'

/** How many changes in all, and how many to one project before a new one begins. */
const EDITS = 500
const EDITS_PER_PROJECT = 20
const SEED = Number(process.env.SHALE_TEST_SEED ?? 20_260)

const bench = sharedBench()

test(`${EDITS} random edits: what the cache gives is what building anew gives (seed ${SEED})`, async t => {
  let cached = 0
  let ran = 0
  let failed = 0
  for (let round = 0; round < EDITS / EDITS_PER_PROJECT; round++) {
    const seed = SEED + round
    const random = new Random(seed)
    const folder = await bench().context()
    newContext(random, folder)
    let project = newProject(random)
    for (let edit = 0; edit < EDITS_PER_PROJECT; edit++) {
      const next = mutate(random, project, folder)
      project = next.project
      const told = `SHALE_TEST_SEED=${seed}, edit ${edit} (${next.what}):\n${dockerfileOf(project)}`
      const [quick, anew] = await both(bench(), folder, project)
      assert.deepEqual(quick.result, anew.result, told)
      cached += quick.built?.cached ?? 0
      ran += quick.built?.ran ?? 0
      if (quick.built === undefined) failed++
    }
  }
  t.diagnostic(`${EDITS} edits: ${cached} steps cached, ${ran} ran, ${failed} builds failed in the same way both times`)
  assert.ok(cached > ran, 'most steps come from the cache')
  assert.ok(failed < EDITS / 10, `${failed} of the builds fail`)
})

interface Outcome {
  readonly built?: Built | undefined
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
    return { built, result: comparable(built) }
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
