import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startRegistry } from '../test/peers/registry.ts'
import type { CacheState, ScenarioName } from './cases.ts'
import { emptyContext, hugeContext, largeContext, projectContext, treeContext } from './contexts/contexts.ts'
import type { DockerfileName } from './contexts/dockerfiles.ts'
import { CHANGED, changedText } from './contexts/tree.ts'
import type { BuildRequest, Done, Engine } from './engines/engine.ts'
import { ready } from './machine.ts'
import type { Stock } from './stock.ts'

/** One go of one engine through one scenario. */
export interface Trial {
  readonly engine: Engine
  readonly stock: Stock
  readonly cache: CacheState
  readonly repetition: number
  /** Files of the large tree: 80,000. */
  readonly files: number
  /** Names of the cases that are asked for: what comes after the last of them need not be done. */
  readonly wanted: ReadonlySet<string>
}

export interface Measurement {
  readonly case: string
  /** Seconds, MB, or an exponent. */
  readonly value: number
  /** What the value is made of. */
  readonly parts?: Readonly<Record<string, number>>
  /** The image that came out, to be compared with that of the others. */
  readonly image?: string
}

type Scenario = (trial: Trial) => AsyncGenerator<Measurement>

/** How often a scenario of milliseconds is repeated in one go. */
const SHORT_RUNS = 5
const HUGE_BYTES = 10_000_000_000

export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  tree: async function* (trial) {
    const context = await treeContext(trial.files)
    await change(context, 0)
    await fresh(trial)
    const build = async (name: string) => {
      await ready(context, trial.cache)
      const { seconds } = await buildWith(trial, 'copy', { context })
      return { case: name, value: seconds, image: 'built' }
    }
    yield await build('first')
    if (trial.wanted.has('unchanged')) yield await build('unchanged')
    if (!trial.wanted.has('one-changed')) return
    await change(context, trial.repetition + 1)
    yield await build('one-changed')
  },

  gzip: async function* (trial) {
    const context = await treeContext(trial.files)
    await change(context, 0)
    await fresh(trial)
    // A new one every time: what an earlier push left there would be passed over.
    const registry = await startRegistry()
    try {
      const tag = `${registry.host}/built:1`
      await ready(context, trial.cache)
      const build = await buildWith(trial, 'copy', { context, tag, compression: 'gzip' })
      const push = await trial.engine.exec(trial.engine.commands.push(tag))
      const parts = { build: build.seconds, push: push.seconds }
      yield { case: 'gzip', value: parts.build + parts.push, parts, image: tag }
    } finally {
      await registry.stop()
    }
  },

  large: async function* (trial) {
    const context = await largeContext(50)
    await fresh(trial)
    await ready(context, trial.cache)
    yield { case: 'large', value: (await buildWith(trial, 'copy', { context })).seconds, image: 'built' }
  },

  project: async function* (trial) {
    const context = await projectContext()
    await fresh(trial)
    for (const name of ['project', 'project-unchanged']) {
      await ready(context, trial.cache)
      yield { case: name, value: (await buildWith(trial, 'project', { context })).seconds, image: 'built' }
    }
  },

  step: async function* (trial) {
    const context = await emptyContext()
    await fresh(trial)
    for (let i = 0; i <= SHORT_RUNS; i++) {
      const without = await buildWith(trial, 'nothing', { context, buildArgs: { N: `${i}-without` } })
      const with_ = await buildWith(trial, 'step', { context, buildArgs: { N: `${i}-with` } })
      const parts = { with: with_.seconds, without: without.seconds }
      // The first has to unpack the base.
      if (i > 0) yield { case: 'step', value: parts.with - parts.without, parts }
    }
  },

  run: async function* (trial) {
    await fresh(trial)
    const { engine } = trial
    const args = engine.commands.run?.('base')
    if (args === undefined) return
    for (let i = 0; i <= SHORT_RUNS; i++) {
      const { seconds } = await engine.exec(args)
      if (i > 0) yield { case: 'run', value: seconds }
    }
  },

  startup: async function* (trial) {
    const { engine, wanted } = trial
    await engine.reset()
    const withImages = wanted.has('images') && engine.name !== 'buildah'
    if (withImages) await engine.exec(engine.commands.load(await trial.stock.many()))
    const cases = { version: engine.commands.version, ...(withImages ? { images: engine.commands.images } : {}) }
    for (const [name, args] of Object.entries(cases)) {
      for (let i = 0; i <= SHORT_RUNS; i++) {
        const { seconds } = await engine.exec(args)
        if (i > 0) yield { case: name, value: seconds }
      }
    }
  },

  load: async function* (trial) {
    const { engine, stock } = trial
    const archive = await stock.tree()
    await engine.reset()
    await ready(archive, trial.cache)
    const load = await engine.exec(engine.commands.load(archive))
    const run = await engine.exec(engine.commands.run?.('tree') ?? [])
    const parts = { load: load.seconds, run: run.seconds }
    yield { case: 'load', value: parts.load + parts.run, parts, image: 'tree' }
  },

  memory: trial => peakOf(trial, 'memory', () => treeContext(trial.files)),
  huge: trial => peakOf(trial, 'memory-huge', () => hugeContext(HUGE_BYTES)),

  growth: async function* (trial) {
    const parts: Record<string, number> = {}
    for (const files of [trial.files / 8, trial.files / 4, trial.files / 2, trial.files, trial.files * 2]) {
      const context = await treeContext(files)
      await fresh(trial)
      await ready(context, trial.cache)
      parts[String(files)] = (await buildWith(trial, 'copy', { context })).seconds
    }
    yield { case: 'growth', value: exponent(parts), parts }
  },
}

/** An empty store with `base` in it. */
async function fresh({ engine, stock }: Trial): Promise<void> {
  await engine.reset()
  await engine.exec(engine.commands.load(await stock.base()))
}

async function buildWith(
  { engine, stock }: Trial,
  dockerfile: DockerfileName,
  request: Partial<BuildRequest> & Pick<BuildRequest, 'context'>,
): Promise<Done> {
  const path = await stock.dockerfile(dockerfile)
  return engine.exec(engine.commands.build({ tag: 'built', compression: 'zstd', ...request, dockerfile: path }))
}

async function* peakOf(trial: Trial, name: string, make: () => Promise<string>): AsyncGenerator<Measurement> {
  const context = await make()
  await fresh(trial)
  await ready(context, trial.cache)
  const dockerfile = await trial.stock.dockerfile('copy')
  const args = trial.engine.commands.build({ context, dockerfile, tag: 'built', compression: 'zstd' })
  const peak = await trial.engine.peak?.(args)
  if (peak !== undefined) yield { case: name, value: peak.megabytes, parts: { seconds: peak.seconds } }
}

/** The e for which time = files^e fits best (least squares over the logarithms). */
export function exponent(seconds: Readonly<Record<string, number>>): number {
  const points = Object.entries(seconds).map(([files, time]) => [Math.log(Number(files)), Math.log(time)] as const)
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const slope = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0)
  return slope / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
}

async function change(context: string, time: number): Promise<void> {
  await writeFile(join(context, CHANGED), changedText(time))
}
