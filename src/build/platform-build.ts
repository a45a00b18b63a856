import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { Instruction } from '../dockerfile/instruction.ts'
import { type Digest, sha256 } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { formatPlatform } from '../oci/platform.ts'
import { VERSION } from '../version.ts'
import { imageState } from './base-image.ts'
import type { BuildContext } from './build-context.ts'
import { BuildChecks } from './checks.ts'
import { namedContexts } from './context-name.ts'
import type { ContextPlace } from './context-place.ts'
import type { StepInfo } from './events.ts'
import { Explainer } from './explain.ts'
import { type ExportedImage, exportImage } from './export.ts'
import type { BlobOptions } from './layer-blobs.ts'
import type { LoadedContext } from './load-context.ts'
import { NamedContexts } from './named-contexts.ts'
import type { BuildOptions, PullPolicy } from './options.ts'
import { type BuildPlan, circularStage, exportedStages, neededStages, type PlannedStage } from './plan.ts'
import { recipeOf } from './recipe.ts'
import type { BuildSession } from './session.ts'
import { slots } from './slots.ts'
import { isStep, type StageSteps, solveStage } from './solve-stage.ts'
import type { StageState } from './stage-state.ts'
import { StepLog } from './steps.ts'
import { Waits } from './waits.ts'

/** What is built for one platform. */
export interface PlatformPlan {
  /** With that platform. */
  readonly options: BuildOptions
  readonly plan: BuildPlan
  readonly loaded: LoadedContext
  /** In front of the steps' names when there are several platforms. */
  readonly label: string
  /** False when no image is made of the layers, so that nobody needs their blobs. */
  readonly packs: boolean
}

/** The build for one platform: its stages, solved as far as its target needs them. */
export class PlatformBuild {
  readonly announced: readonly StepInfo[]
  readonly steps: StepLog
  readonly context: BuildContext
  readonly checks: BuildChecks
  readonly #session: BuildSession
  readonly #options: BuildOptions
  readonly #plan: BuildPlan
  readonly #stageSteps: ReadonlyMap<number, StageSteps>
  readonly #stages = new Map<number, Promise<StageState>>()
  readonly #images = new Map<string, Promise<StageState>>()
  /** Complete names of images that were asked for, and what they are. */
  readonly #used = new Map<string, Digest>()
  readonly #packing: Promise<unknown>[] = []
  readonly #lineage: string
  readonly #label: string
  readonly #waits = new Waits()

  constructor(session: BuildSession, { options, plan, loaded, label, packs }: PlatformPlan) {
    const { store, lease, place, signal, env, known, copies, scratch } = session
    this.#session = session
    this.#options = options
    this.#plan = plan
    this.#label = label
    this.checks = new BuildChecks(loaded, plan, options)
    this.#lineage = lineageOf(place, plan, options)
    this.steps = new StepLog(plan.dockerfile, session.emit, session.nextStep)
    const { steps, announced } = this.#announceSteps()
    this.#stageSteps = steps
    this.announced = announced
    const { layers, worker, mountTrees, freshCaches } = session
    const now = Math.floor(Date.now() / 1000)
    const { pull } = session
    const image = (name: string, platform: Platform, policy: PullPolicy = options.pull ?? 'missing') =>
      this.#image(name, platform, () => imageState({ store, lease, pull, policy }, name, platform))
    const contexts = new NamedContexts(namedContexts(options.contexts), {
      ...{ store, lease, layers, scratchFolder: scratch.make, env, signal, image, now, modes: options.contextModes },
    })
    this.context = {
      ...{ store, lease, options, plan, contexts, layers, mountTrees, freshCaches, worker, known, copies, now, signal },
      source: loaded.source,
      blobs: session.blobs(blobOptions(options)),
      explainer: new Explainer(store, this.#lineage, session.cacheFrom),
      cacheFrom: session.cacheFrom,
      cacheTo: session.cacheTo,
      steps: this.steps,
      exported: packs ? exportedStages(plan.stages, plan.target) : new Set(),
      slot: slots(options.parallelism ?? availableParallelism()),
      running: session.running,
      stage: (index, by) => this.#stageFor(index, by),
      image: (name, platform) => (contexts.has(name) ? contexts.state(name, platform) : image(name, platform)),
      scratchFolder: scratch.make,
      removeTree: session.removeTree,
      onFailedRun: session.onFailedRun,
      packSoon: state => this.#packSoon(state),
    }
  }

  /** Every needed stage is begun at once; the first error ends the others. */
  async solve(): Promise<StageState> {
    const needed = neededStages(this.#plan.stages, this.#plan.target)
    try {
      await Promise.all(needed.map(index => this.#stage(index)))
    } catch (error) {
      this.#session.abort()
      throw error
    }
    return this.#stage(this.#plan.target)
  }

  /** Makes the image of the state. */
  async export(state: StageState, register: boolean): Promise<ExportedImage> {
    const step = this.steps.add(this.#label === '' ? 'exporting image' : `exporting image for ${this.#label}`)
    return this.steps.run(step, this.context.signal, async () => ({
      value: await exportImage(this.context, state, register),
      status: 'ran' as const,
    }))
  }

  /** Notes what an image of the store, or an index over it, was made from. */
  noteOrigin(digest: Digest, state: StageState, platforms: readonly Platform[]): void {
    const recipe = JSON.stringify(recipeOf(this.context, this.#session.place, platforms, this.#used))
    this.#session.store.origins.put({ ...originOf(digest, this.#plan, this.#options, state), recipe })
  }

  /** Notes the steps, for explaining the next build like this. */
  remember(): void {
    this.#session.store.cache.saveBuild(this.#lineage, this.steps.built)
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#stages.values(), ...this.#packing])
    this.context.contexts.save()
  }

  async #stageFor(index: number, by: number): Promise<StageState> {
    if (this.#waits.closesCircle(by, index)) throw circularStage(this.#plan, by)
    return this.#stage(index)
  }

  #stage(index: number): Promise<StageState> {
    const pending = this.#stages.get(index)
    if (pending !== undefined) return pending
    const planned = this.#plan.stages[index] as PlannedStage
    const steps = this.#stageSteps.get(index) ?? this.#stepsOf(planned)
    const solved = solveStage(this.context, planned, steps)
    solved.catch(() => {})
    this.#stages.set(index, solved)
    return solved
  }

  #image(name: string, platform: Platform, load: () => Promise<StageState>): Promise<StageState> {
    const key = `${name} ${formatPlatform(platform)}`
    const pending = this.#images.get(key) ?? load().then(state => this.#know(name, platform, state))
    this.#images.set(key, pending)
    return pending
  }

  #know(name: string, platform: Platform, state: StageState): StageState {
    if (state.baseImage !== undefined) this.#used.set(state.baseImage.name, state.baseImage.digest)
    return this.checks.know(name, platform, state)
  }

  #packSoon(state: StageState): void {
    const packed = this.context.blobs.of(state.layers, state.layers.length - 1)
    // Whoever needs the blob sees the error; here it must not be an unhandled one.
    packed.catch(() => {})
    this.#packing.push(packed)
  }

  #announceSteps(): { steps: Map<number, StageSteps>; announced: StepInfo[] } {
    const steps = new Map<number, StageSteps>()
    const announced: StepInfo[] = []
    for (const index of neededStages(this.#plan.stages, this.#plan.target)) {
      const stage = this.#stepsOf(this.#plan.stages[index] as PlannedStage)
      steps.set(index, stage)
      if (stage.from !== undefined) announced.push(stage.from)
      announced.push(...stage.byInstruction.values())
    }
    return { steps, announced }
  }

  /** FROM counts as a step unless the stage begins with nothing, as BuildKit numbers them. */
  #stepsOf(planned: PlannedStage): StageSteps {
    const { stage, base, label } = planned
    const prefix = this.#label === '' ? '' : `${this.#label} `
    const shown = stage.instructions.filter(isStep)
    const count = shown.length + (base.kind === 'scratch' ? 0 : 1)
    const name = (ordinal: number, text: string) => `[${prefix}${label} ${ordinal}/${count}] ${text}`
    const from =
      base.kind === 'image' || base.kind === 'context'
        ? this.steps.announce(name(1, `FROM ${base.name}`), stage.from.range)
        : undefined
    const offset = base.kind === 'scratch' ? 1 : 2
    const byInstruction = new Map<Instruction, StepInfo>(
      shown.map((instruction, index) => [
        instruction,
        this.steps.announce(name(index + offset, instruction.text), instruction.range),
      ]),
    )
    return { from, byInstruction, count }
  }
}

function originOf(digest: Digest, { dockerfile }: BuildPlan, options: BuildOptions, state: StageState) {
  const { target, revision } = options
  const base = state.baseImage && { name: state.baseImage.name, digest: state.baseImage.digest }
  const { file, text } = dockerfile
  return {
    ...{ digest, builder: `shale ${VERSION}`, dockerfile: file, dockerfileDigest: sha256(text) },
    ...{ target, revision, base },
  }
}

/** "The same build again": context, Dockerfile, target and platform. */
function lineageOf(place: ContextPlace, plan: BuildPlan, options: BuildOptions): string {
  const platform = plan.automatic.get('TARGETPLATFORM') ?? ''
  const parts = [place.name, options.dockerfile ?? '', String(plan.target), platform]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

export function blobOptions({ compression = 'zstd', compressionLevel, sourceDateEpoch }: BuildOptions): BlobOptions {
  return { compression, level: compressionLevel, epoch: sourceDateEpoch }
}
