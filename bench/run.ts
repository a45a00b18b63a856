import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CacheState, Case } from './cases.ts'
import { archiveTree, type Tree, treeDifferences } from './compare.ts'
import type { Engine, EngineName } from './engines/engine.ts'
import { type Floor, floorOf } from './floors/floors.ts'
import type { Row, Sample } from './report.ts'
import { seconds } from './report.ts'
import { type Measurement, SCENARIOS } from './scenarios.ts'
import type { Stock } from './stock.ts'

export interface Bench {
  readonly engines: readonly Engine[]
  /** Why an engine cannot take part, by its name. */
  readonly absent: Readonly<Partial<Record<EngineName, string>>>
  readonly stock: Stock
  readonly work: string
  readonly files: number
  readonly runs: number
  readonly caches: readonly CacheState[]
  readonly log: (line: string) => void
}

/** What one row gathers over the repetitions. */
interface Gathered {
  readonly samples: Map<EngineName, Sample>
  /** Of the repetition that is going on. */
  readonly trees: Map<EngineName, Tree>
  readonly differences: Set<string>
  compared: number
}

/**
 * Measures cases of one scenario: every repetition gives each engine one turn, the first turn going round, so that what
 * disturbs the machine disturbs all alike. Images are saved and compared between timed commands, not in them.
 */
export async function runScenario(bench: Bench, cases: readonly Case[]): Promise<readonly Row[]> {
  const caches = [...new Set(cases.flatMap(each => each.caches))].filter(cache => bench.caches.includes(cache))
  const rows: Row[] = []
  for (const cache of caches) {
    const measured = cases.filter(each => each.caches.includes(cache))
    const gathered = new Map(measured.map(each => [each.name, nothing(bench, each)]))
    for (let repetition = 0; repetition < bench.runs; repetition++) {
      for (const engine of turns(bench.engines, repetition)) {
        if (measured.some(each => each.engines.includes(engine.name))) {
          await oneTurn(bench, measured, engine, cache, repetition, gathered)
        }
      }
      for (const each of gathered.values()) compareTrees(each)
    }
    for (const each of measured) rows.push(await rowOf(bench, each, cache, gathered.get(each.name)!))
  }
  return rows
}

function nothing({ absent }: Bench, each: Case): Gathered {
  const missing = each.engines.flatMap(name => {
    const problem = absent[name]
    return problem === undefined ? [] : [[name, { values: [], parts: [], problem }] as const]
  })
  return { samples: new Map(missing), trees: new Map(), differences: new Set(), compared: 0 }
}

function turns(engines: readonly Engine[], repetition: number): readonly Engine[] {
  const first = repetition % engines.length
  return [...engines.slice(first), ...engines.slice(0, first)]
}

async function oneTurn(
  bench: Bench,
  cases: readonly Case[],
  engine: Engine,
  cache: CacheState,
  repetition: number,
  gathered: ReadonlyMap<string, Gathered>,
): Promise<void> {
  const { stock, files, work, log } = bench
  const wanted = new Set(cases.filter(each => each.engines.includes(engine.name)).map(each => each.name))
  const scenario = SCENARIOS[cases[0]!.scenario]
  const started = performance.now()
  try {
    for await (const measurement of scenario({ engine, stock, cache, repetition, files, wanted })) {
      const row = gathered.get(measurement.case)
      if (row === undefined) continue
      add(row, engine.name, measurement)
      log(`${measurement.case} ${cache} ${engine.name} ${describe(measurement)}`)
      if (measurement.image !== undefined) row.trees.set(engine.name, await treeOf(engine, measurement.image, work))
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    log(`${cases[0]!.scenario} ${cache} ${engine.name} FAILED: ${problem}`)
    for (const name of wanted) fail(gathered.get(name), engine.name, problem)
  }
  log(
    `  ${cases[0]!.scenario} ${cache} ${engine.name}: the whole turn ${seconds((performance.now() - started) / 1000)}`,
  )
}

function describe({ value, parts }: Measurement): string {
  const rounded = (number: number) => Number(number.toFixed(3))
  const shown = Object.entries(parts ?? {}).map(([name, part]) => `${name} ${rounded(part)}`)
  return [rounded(value), ...(shown.length > 0 ? [`(${shown.join(', ')})`] : [])].join(' ')
}

function add(row: Gathered, engine: EngineName, { value, parts }: Measurement): void {
  const before = row.samples.get(engine)
  row.samples.set(engine, {
    values: [...(before?.values ?? []), value],
    parts: [...(before?.parts ?? []), ...(parts === undefined ? [] : [parts])],
  })
}

/** Keeps what was measured before it failed. */
function fail(row: Gathered | undefined, engine: EngineName, problem: string): void {
  row?.samples.set(engine, { ...(row.samples.get(engine) ?? { values: [], parts: [] }), problem: `failed: ${problem}` })
}

async function treeOf(engine: Engine, image: string, work: string): Promise<Tree> {
  const archive = join(work, `${engine.name}-saved.tar`)
  await rm(archive, { force: true })
  await engine.exec(engine.commands.save(image, archive))
  try {
    return await archiveTree(archive)
  } finally {
    await rm(archive, { force: true })
  }
}

/** Ours with each peer's of the same repetition. */
function compareTrees(row: Gathered): void {
  const ours = row.trees.get('shale')
  for (const [name, theirs] of row.trees) {
    if (ours === undefined || name === 'shale') continue
    row.compared++
    for (const line of treeDifferences(ours, theirs)) row.differences.add(`${name}: ${line}`)
  }
  row.trees.clear()
}

async function rowOf(bench: Bench, each: Case, cache: CacheState, gathered: Gathered): Promise<Row> {
  const floors: Floor[] = []
  for (let i = 0; i < bench.runs; i++) {
    const floor = await floorOf(each.name, bench.files, cache, bench.work)
    if (floor !== undefined) floors.push(floor)
  }
  const floor = lowest(floors)
  if (floor !== undefined) bench.log(`${each.name} ${cache} limit ${JSON.stringify(floor)}`)
  const { samples, differences, compared } = gathered
  return { case: each, cache, samples: Object.fromEntries(samples), floor, differences: [...differences], compared }
}

/** Of every part the shortest: what disturbs a run only makes it longer. */
function lowest(floors: readonly Floor[]): Floor | undefined {
  return floors.reduce<Floor | undefined>((low, each) => {
    const parts = Object.entries(each).map(([name, part]) => [name, Math.min(part, low?.[name] ?? part)] as const)
    return Object.fromEntries(parts)
  }, undefined)
}
