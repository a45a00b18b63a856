import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BuildResult, buildImage } from '../../src/build/build.ts'
import type { BuildEvent, Reason, StepStatus } from '../../src/build/events.ts'
import type { BuildOptions } from '../../src/build/options.ts'
import { ShaleError } from '../../src/error.ts'
import { type Helper, openHelper } from '../../src/sandbox/helper.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/types.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree, type Tree } from '../support/fixture.ts'
import { type ImageFiles, imageFiles } from './image-files.ts'

/** A step of a build as its events told it. */
export interface Step {
  /** `[stage-0 2/3] RUN true` */
  readonly name: string
  readonly status: StepStatus
  readonly reason?: Reason | undefined
  readonly startedAt: number
  readonly finishedAt: number
  readonly output: string
}

export interface Built extends BuildResult {
  readonly files: ImageFiles
  readonly steps: readonly Step[]
  readonly warnings: readonly string[]
}

export type BenchOptions = Partial<Omit<BuildOptions, 'dockerfileText'>>

/** A store with stand-ins for the `busybox` and `alpine` images, and one helper process for all builds. */
export class Bench {
  readonly store: Store
  readonly folder: string
  readonly helper: Helper
  #contexts = 0

  constructor(folder: string, store: Store, helper: Helper) {
    this.folder = folder
    this.store = store
    this.helper = helper
  }

  /** A new folder with these files. */
  context(tree: Tree = {}): Promise<string> {
    return fixtureTree(join(this.folder, `context-${++this.#contexts}`), tree)
  }

  /** Builds a Dockerfile given as text; without a context, from an empty folder. */
  async build(dockerfile: string, options: BenchOptions = {}): Promise<Built> {
    const context = options.context ?? (await this.context())
    return this.run({ compression: 'none', ...options, context, dockerfileText: dockerfile })
  }

  async run(options: BuildOptions): Promise<Built> {
    const events: BuildEvent[] = []
    const onEvent = (event: BuildEvent) => {
      events.push(event)
      options.onEvent?.(event)
    }
    const services = { pull: noPull, helper: this.helper }
    const result = await buildImage(this.store, { ...options, onEvent }, services)
    const warnings = events.flatMap(event => (event.type === 'warning' ? [event.message] : []))
    return { ...result, files: await imageFiles(this.store, result.image), steps: stepsOf(events), warnings }
  }

  /** The error that a build must end with. */
  async fails(dockerfile: string, options: BenchOptions = {}): Promise<ShaleError> {
    try {
      await this.build(dockerfile, options)
    } catch (error) {
      if (error instanceof ShaleError) return error
      throw error
    }
    throw new Error(`this Dockerfile builds:\n${dockerfile}`)
  }

  async close(): Promise<void> {
    await this.helper.close()
    this.store.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Opens a bench in a temporary folder; `close` removes it. */
export async function openBench(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'shale-bench-'))
  const root = join(folder, 'store')
  const store = openStore({ root })
  const bench = new Bench(folder, store, await openHelper({ root }))
  try {
    await standInImages(bench)
    return bench
  } catch (error) {
    await bench.close()
    throw error
  }
}

async function standInImages(bench: Bench): Promise<void> {
  const context = join(bench.folder, 'rootfs')
  await cp(await busyboxRootfs(), context, { recursive: true, verbatimSymlinks: true })
  const text = 'FROM scratch\nCOPY . /\nCMD ["sh"]'
  await bench.build(text, { context, tags: ['busybox'] })
  writeFileSync(join(context, 'etc/alpine-release'), '3.21.0\n')
  mkdirSync(join(context, 'lib'), { recursive: true })
  await bench.build(text, { context, tags: ['alpine'] })
}

export async function noPull(name: string): Promise<void> {
  throw new ShaleError('IMAGE_NOT_FOUND', `${name}: no registry in this test`)
}

export function stepsOf(events: readonly BuildEvent[]): readonly Step[] {
  const names = new Map<number, string>()
  const started = new Map<number, number>()
  const output = new Map<number, string>()
  const steps: Step[] = []
  for (const event of events) {
    if (event.type === 'started') for (const { id, name } of event.steps) names.set(id, name)
    else if (event.type === 'step-added') names.set(event.step.id, event.step.name)
    else if (event.type === 'step-started') started.set(event.id, event.at)
    else if (event.type === 'step-output') {
      output.set(event.id, `${output.get(event.id) ?? ''}${Buffer.from(event.data).toString()}`)
    } else if (event.type === 'step-finished') {
      const { id, status, reason, at } = event
      const name = names.get(id) ?? ''
      steps.push({
        name,
        status,
        reason,
        startedAt: started.get(id) ?? 0,
        finishedAt: at,
        output: output.get(id) ?? '',
      })
    }
  }
  return steps
}
