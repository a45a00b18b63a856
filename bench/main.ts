// npm run bench: Shale beside Docker Engine and buildah. docs/performance.md says what is measured and how.
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { cacheFolder } from '../scripts/bases/cache.ts'
import { mustRun } from '../scripts/bases/process.ts'
import { ShaleError } from '../src/error.ts'
import { whyNoPeers } from '../test/peers/root.ts'
import { CASES, type CacheState, type Case } from './cases.ts'
import { openBuildah } from './engines/buildah.ts'
import { openDocker } from './engines/docker.ts'
import { ENGINES, type Engine, type EngineName } from './engines/engine.ts'
import { openShale } from './engines/shale.ts'
import { loadAverage, thisMachine, whyNoCold } from './machine.ts'
import { document, type Report, type Row, remarks, table } from './report.ts'
import { runScenario } from './run.ts'
import { openStock } from './stock.ts'
import { fillPage } from './write.ts'

const USAGE = `npm run bench -- [OPTION…]
  --case NAME     this case only; may be repeated
  --only ENGINE   ${ENGINES.join(', ')}; may be repeated
  --cache STATE   warm or cold page cache only
  --runs N        turns of each engine (default 3)
  --files N       files of the large tree (default 80000)
  --published     Shale as npm ships it, bundled, instead of the checkout's source
  --json FILE     write all measurements there
  --write         put the table into docs/performance.md
  --list          the cases`

const OPTIONS = {
  case: { type: 'string', multiple: true },
  only: { type: 'string', multiple: true },
  cache: { type: 'string' },
  runs: { type: 'string', default: '3' },
  files: { type: 'string', default: '80000' },
  published: { type: 'boolean', default: false },
  json: { type: 'string' },
  write: { type: 'boolean' },
  list: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

const PAGE = join(import.meta.dirname, '../docs/performance.md')

interface Choice {
  readonly cases: readonly Case[]
  readonly engines: readonly EngineName[]
  readonly caches: readonly CacheState[]
  readonly runs: number
  readonly files: number
  readonly published: boolean
}

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

function choose(values: Values): Choice {
  const pick = <T extends string>(given: readonly string[] | undefined, known: readonly T[], what: string) => {
    const unknown = given?.find(name => !known.some(each => each === name))
    if (unknown !== undefined) throw usage(`there is no ${what} ${unknown}; there are ${known.join(', ')}`)
    return known.filter(name => given === undefined || given.includes(name))
  }
  const names = pick(
    values.case,
    CASES.map(each => each.name),
    'case',
  )
  return {
    cases: CASES.filter(each => names.includes(each.name)),
    engines: pick(values.only, ENGINES, 'engine'),
    caches: pick(values.cache === undefined ? undefined : [values.cache], ['warm', 'cold'] as const, 'cache state'),
    runs: count(values.runs, '--runs'),
    files: count(values.files, '--files'),
    published: values.published,
  }
}

function count(text: string, option: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw usage(`${option} ${text} is no number above 0`)
  return number
}

function usage(message: string): ShaleError {
  return new ShaleError('USAGE', message, { hint: USAGE })
}

type Absent = Partial<Record<EngineName, string>>

/** Starts those that are asked for; why one is not there is said in its column. */
async function openEngines(choice: Choice, work: string): Promise<readonly [readonly Engine[], Absent]> {
  const contexts = join(cacheFolder(), 'bench')
  await mkdir(contexts, { recursive: true })
  const open = {
    shale: () => openShale(work, choice.published ? 'published' : 'source'),
    docker: () => openDocker(work, contexts),
    buildah: () => openBuildah(work, contexts),
  }
  const engines: Engine[] = []
  const absent: Absent = {}
  for (const name of choice.engines) {
    const why = name === 'shale' ? undefined : whyNoPeers()
    try {
      if (why === undefined) engines.push(await open[name]())
      else absent[name] = `not installed (${why})`
    } catch (error) {
      absent[name] = `does not start (${error instanceof Error ? error.message : String(error)})`
    }
  }
  return [engines, absent]
}

async function measure(choice: Choice, work: string): Promise<Report> {
  const [engines, absent] = await openEngines(choice, work)
  const noCold = choice.caches.includes('cold') ? whyNoCold() : undefined
  const caches = choice.caches.filter(cache => cache === 'warm' || noCold === undefined)
  const before = loadAverage()
  const { runs, files } = choice
  const log = (line: string) => console.error(line)
  const rows: Row[] = []
  try {
    const bench = { engines, absent, stock: openStock(work, files), work, files, runs, caches, log }
    for (const scenario of new Set(choice.cases.map(each => each.scenario))) {
      rows.push(
        ...(await runScenario(
          bench,
          choice.cases.filter(each => each.scenario === scenario),
        )),
      )
    }
  } finally {
    for (const engine of engines) await engine.close()
  }
  return {
    at: new Date().toISOString(),
    machine: thisMachine(),
    versions: Object.fromEntries(engines.map(({ name, version }) => [name, version])),
    files,
    loadAverage: { before, after: loadAverage() },
    notes: [
      `medians of ${runs} turns`,
      ...(noCold === undefined ? [] : [`no row has a cold page cache: ${noCold}`]),
      ...Object.entries(absent).map(([name, why]) => `${name}: ${why}`),
    ],
    rows,
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help) return console.log(USAGE)
  const choice = choose(values)
  if (values.list) return console.log(choice.cases.map(each => `${each.name.padEnd(18)} ${each.title}`).join('\n'))
  const work = await mkdtemp(join(tmpdir(), 'shale-bench-'))
  try {
    const report = await measure(choice, work)
    console.log(`${table(report)}\n\n${remarks(report).join('\n')}`)
    if (values.json !== undefined) {
      await mkdir(dirname(values.json), { recursive: true })
      await writeFile(values.json, document(report))
    }
    if (values.write) await writeFile(PAGE, fillPage(await readFile(PAGE, 'utf8'), report))
    if (report.rows.some(row => row.differences.length > 0)) process.exitCode = 1
  } finally {
    await mustRun('rm', ['-rf', '--one-file-system', work])
  }
}

// Engines end with this process, but only when it ends of its own accord.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

try {
  await main()
} catch (error) {
  if (!(error instanceof ShaleError)) throw error
  console.error([error.message, error.hint].filter(Boolean).join('\n'))
  process.exitCode = 1
}
