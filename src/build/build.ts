import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Instruction } from '../dockerfile/instruction.ts'
import { type Digest, sha256 } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { formatPlatform } from '../oci/platform.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import { type Helper, openHelper } from '../sandbox/helper.ts'
import type { Lease, Store } from '../store/types.ts'
import { VERSION } from '../version.ts'
import { imageState, type PullImage } from './base-image.ts'
import type { BuildContext } from './build-context.ts'
import { CacheExport } from './cache-export.ts'
import { CacheImport } from './cache-import.ts'
import { BuildChecks, loadAndPlan } from './checks.ts'
import { namedContexts } from './context-name.ts'
import { type ContextPlace, placeContext } from './context-place.ts'
import { withEpoch, withEpochArg } from './epoch.ts'
import { type BuildEvent, failedEvent, type StepInfo } from './events.ts'
import { Explainer } from './explain.ts'
import { type ExportedImage, exportImage } from './export.ts'
import { parseExtraHost } from './extra-host.ts'
import { KnownCopies } from './known-copies.ts'
import { FolderDigests } from './known-digests.ts'
import { type BlobOptions, LayerBlobs } from './layer-blobs.ts'
import { LayerWork } from './layer-work.ts'
import type { LoadedContext } from './load-context.ts'
import { MountTrees } from './mounts/trees.ts'
import { NamedContexts } from './named-contexts.ts'
import type { BuildOptions, PullPolicy } from './options.ts'
import { type BuildPlan, circularStage, exportedStages, neededStages, type PlannedStage } from './plan.ts'
import { ScratchFolders } from './scratch.ts'
import type { CacheSource, CacheTarget } from './shared-cache.ts'
import { slots } from './slots.ts'
import { isStep, type StageSteps, solveStage } from './solve-stage.ts'
import type { StageState } from './stage-state.ts'
import { StepLog } from './steps.ts'
import { treeWorker } from './tree-worker.ts'
import { Waits } from './waits.ts'
import { warnings } from './warnings.ts'

export interface BuildResult {
  /** Digest of the manifest: the image ID. */
  readonly imageId: ExportedImage['digest']
  readonly image: ExportedImage
  /** Complete names that now point at it. */
  readonly names: readonly string[]
  readonly ran: number
  readonly cached: number
}

/** What a build needs from the rooms above it. */
export interface BuildServices {
  /** Brings a base image into the store. */
  readonly pull: PullImage
  /** An open helper of this store that several builds share; it stays open. Without it each build starts its own. */
  readonly helper?: Helper | undefined
  /** Where proxies and SHALE_OFFLINE are looked up; the process' environment if absent. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Looked through in this order for steps that the store lacks. */
  readonly cacheFrom?: readonly CacheSource[] | undefined
  readonly cacheTo?: readonly CacheTarget[] | undefined
}

/**
 * Builds an image from a Dockerfile and a context into the store. Throws a ShaleError that points at the line
 * that failed; what was built by then stays in the cache. Aborting `asked.signal` ends running commands at once.
 */
export async function buildImage(store: Store, asked: BuildOptions, services: BuildServices): Promise<BuildResult> {
  try {
    return await buildOne(store, asked, services)
  } catch (error) {
    asked.onEvent?.(failedEvent(error))
    throw error
  }
}

async function buildOne(store: Store, asked: BuildOptions, services: BuildServices): Promise<BuildResult> {
  const startedAt = Date.now()
  const given = withEpochArg(asked)
  const names = (given.tags ?? []).map(tag => formatReference(parseReference(tag)))
  given.addHosts?.forEach(parseExtraHost)
  const lease = store.lease('build')
  const scratch = new ScratchFolders(join(store.tempDir, `${lease.id}-build-`))
  try {
    const env = services.env ?? process.env
    const place = await placeContext({ ...given, bytes: given.contextBytes, scratchFolder: scratch.make, env })
    const known = new FolderDigests(store.statIndex, place.folder)
    const { loaded, plan } = await loadAndPlan(given, place, known)
    const options = withEpoch(given, plan, place.time)
    const build = new Build(store, lease, { options, plan, loaded, place, known, scratch, services })
    try {
      return await build.run(startedAt, names)
    } finally {
      await build.close()
    }
  } finally {
    scratch.remove()
    lease.end()
  }
}

/** What a build starts with. */
interface Prepared {
  readonly options: BuildOptions
  readonly plan: BuildPlan
  readonly loaded: LoadedContext
  readonly place: ContextPlace
  readonly known: FolderDigests
  readonly scratch: ScratchFolders
  readonly services: BuildServices
}

class Build {
  readonly #store: Store
  readonly #options: BuildOptions
  readonly #plan: BuildPlan
  readonly #context: BuildContext
  readonly #steps: StepLog
  readonly #stageSteps: ReadonlyMap<number, StageSteps>
  readonly #announced: readonly StepInfo[]
  readonly #stages = new Map<number, Promise<StageState>>()
  readonly #images = new Map<string, Promise<StageState>>()
  readonly #packing: Promise<unknown>[] = []
  readonly #abort = new AbortController()
  readonly #known: FolderDigests
  readonly #copies: KnownCopies
  readonly #lineage: string
  readonly #waits = new Waits()
  readonly #place: ContextPlace
  readonly #checks: BuildChecks
  readonly #sharedHelper: Helper | undefined
  #helper: Promise<Helper> | undefined

  constructor(store: Store, lease: Lease, prepared: Prepared) {
    const { options, plan, loaded, place, scratch, services } = prepared
    this.#store = store
    this.#place = place
    this.#sharedHelper = services.helper
    this.#options = options
    this.#plan = plan
    this.#lineage = lineageOf(place, plan, options)
    this.#known = prepared.known
    this.#copies = new KnownCopies(store.statIndex, place.folder)
    this.#checks = new BuildChecks(loaded, plan, options)
    this.#steps = new StepLog(plan.dockerfile, event => this.#emit(event))
    const { steps, announced } = announceSteps(plan, this.#steps)
    this.#stageSteps = steps
    this.#announced = announced
    const worker = async () => treeWorker(await this.#openHelper(), store.tempDir)
    const layers = new LayerWork(store, lease, worker)
    const removeTree = async (path: string) => (await worker()).removeTree(path)
    const signal =
      options.signal === undefined ? this.#abort.signal : AbortSignal.any([options.signal, this.#abort.signal])
    const now = Math.floor(Date.now() / 1000)
    const image = (name: string, platform: Platform, policy: PullPolicy = options.pull ?? 'missing') =>
      this.#image(name, platform, () => imageState({ store, lease, pull: services.pull, policy }, name, platform))
    const contexts = new NamedContexts(namedContexts(options.contexts), {
      ...{ store, lease, layers, scratchFolder: scratch.make, env: services.env ?? process.env, signal, image, now },
    })
    const packing = { store, lease, layers, worker }
    const blobs = new LayerBlobs(packing, blobOptions(options))
    const shared = { steps: this.#steps, signal, warn: (message: string) => this.#emit({ type: 'warning', message }) }
    const cacheFrom = new CacheImport(services.cacheFrom ?? [], { store, lease, layers, ...shared })
    this.#context = {
      store,
      lease,
      options,
      plan,
      source: loaded.source,
      contexts,
      layers,
      mountTrees: new MountTrees({ layers, worker, removeTree, folder: scratch.make }),
      freshCaches: new Set(),
      blobs,
      worker,
      explainer: new Explainer(store, this.#lineage, cacheFrom),
      cacheFrom,
      cacheTo: new CacheExport(services.cacheTo ?? [], { packing, blobs, options: blobOptions(options), ...shared }),
      steps: this.#steps,
      known: this.#known,
      copies: this.#copies,
      now,
      signal,
      exported: exportedStages(plan.stages, plan.target),
      slot: slots(options.parallelism ?? availableParallelism()),
      stage: (index, by) => this.#stageFor(index, by),
      image: (name, platform) => (contexts.has(name) ? contexts.state(name, platform) : image(name, platform)),
      scratchFolder: scratch.make,
      removeTree,
      packSoon: state => this.#packSoon(state),
    }
  }

  async run(startedAt: number, names: readonly string[]): Promise<BuildResult> {
    const { dockerfile } = this.#plan
    this.#emit({ type: 'started', at: startedAt, dockerfile: dockerfile.file, steps: this.#announced })
    this.#warn()
    const { state, image } = await this.#checked(async () => {
      const state = await this.#solve()
      return { state, image: await this.#export(state) }
    })
    this.#store.origins.put(originOf(image.digest, this.#plan, this.#options, state))
    this.#store.images.tagAll(names, image.digest, 'build')
    this.#store.cache.saveBuild(this.#lineage, this.#steps.built)
    await this.#context.cacheTo.finish(this.#steps.built, this.#context.lease)
    const { ran, cached } = this.#steps
    const at = Date.now()
    const imageId = image.digest
    this.#emit({ type: 'finished', at, durationMs: at - startedAt, imageId, names, ran, cached })
    return { imageId, image, names, ran, cached }
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await Promise.allSettled([...this.#stages.values(), ...this.#packing])
    await this.#context.cacheTo.close()
    await this.#context.blobs.close()
    await this.#context.mountTrees.close()
    this.#context.contexts.save()
    // What was fetched is somewhere else the next time.
    if (this.#place.kind === 'folder') {
      this.#known.save()
      this.#copies.save()
    }
    if (this.#helper === undefined) return
    await this.#helper.then(
      helper => helper.close(),
      () => {},
    )
  }

  /** What the rules say is told at the end, also of a build that fails; what is to fail by them, fails first. */
  async #checked<T>(work: () => Promise<T>): Promise<T> {
    try {
      await this.#checks.before(this.#context.image)
      return await work()
    } finally {
      for (const event of await this.#checks.warnings()) this.#emit(event)
    }
  }

  /** Every needed stage is begun at once; the first error ends the others. */
  async #solve(): Promise<StageState> {
    const needed = neededStages(this.#plan.stages, this.#plan.target)
    try {
      await Promise.all(needed.map(index => this.#stage(index)))
    } catch (error) {
      this.#abort.abort()
      throw error
    }
    return this.#stage(this.#plan.target)
  }

  async #stageFor(index: number, by: number): Promise<StageState> {
    if (this.#waits.closesCircle(by, index)) throw circularStage(this.#plan, by)
    return this.#stage(index)
  }

  #stage(index: number): Promise<StageState> {
    const pending = this.#stages.get(index)
    if (pending !== undefined) return pending
    const planned = this.#plan.stages[index] as PlannedStage
    const steps = this.#stageSteps.get(index) ?? stepsOf(planned, this.#steps)
    const solved = solveStage(this.#context, planned, steps)
    solved.catch(() => {})
    this.#stages.set(index, solved)
    return solved
  }

  #image(name: string, platform: Platform, load: () => Promise<StageState>): Promise<StageState> {
    const key = `${name} ${formatPlatform(platform)}`
    const pending = this.#images.get(key) ?? load().then(state => this.#checks.know(name, platform, state))
    this.#images.set(key, pending)
    return pending
  }

  #packSoon(state: StageState): void {
    const packed = this.#context.blobs.of(state.layers, state.layers.length - 1)
    // Whoever needs the blob sees the error; here it must not be an unhandled one.
    packed.catch(() => {})
    this.#packing.push(packed)
  }

  #export(state: StageState): Promise<ExportedImage> {
    const step = this.#steps.add('exporting image')
    return this.#steps.run(step, this.#context.signal, async () => ({
      value: await exportImage(this.#context, state),
      status: 'ran' as const,
    }))
  }

  async #openHelper(): Promise<Helper> {
    if (this.#sharedHelper !== undefined) return this.#sharedHelper
    this.#helper ??= this.#newHelper()
    return this.#helper
  }

  async #newHelper(): Promise<Helper> {
    const helper = await openHelper({ root: this.#store.root })
    for (const message of helper.limits) this.#emit({ type: 'warning', message })
    return helper
  }

  #warn(): void {
    for (const { message, range } of warnings(this.#plan, this.#options)) {
      this.#emit({ type: 'warning', message, range })
    }
  }

  #emit(event: BuildEvent): void {
    this.#options.onEvent?.(event)
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

function announceSteps(plan: BuildPlan, log: StepLog): { steps: Map<number, StageSteps>; announced: StepInfo[] } {
  const steps = new Map<number, StageSteps>()
  const announced: StepInfo[] = []
  for (const index of neededStages(plan.stages, plan.target)) {
    const stage = stepsOf(plan.stages[index] as PlannedStage, log)
    steps.set(index, stage)
    if (stage.from !== undefined) announced.push(stage.from)
    announced.push(...stage.byInstruction.values())
  }
  return { steps, announced }
}

/** FROM counts as a step unless the stage begins with nothing, as BuildKit numbers them. */
function stepsOf(planned: PlannedStage, log: StepLog): StageSteps {
  const { stage, base, label } = planned
  const shown = stage.instructions.filter(isStep)
  const count = shown.length + (base.kind === 'scratch' ? 0 : 1)
  const name = (ordinal: number, text: string) => `[${label} ${ordinal}/${count}] ${text}`
  const from =
    base.kind === 'image' || base.kind === 'context'
      ? log.announce(name(1, `FROM ${base.name}`), stage.from.range)
      : undefined
  const offset = base.kind === 'scratch' ? 1 : 2
  const byInstruction = new Map<Instruction, StepInfo>(
    shown.map((instruction, index) => [
      instruction,
      log.announce(name(index + offset, instruction.text), instruction.range),
    ]),
  )
  return { from, byInstruction, count }
}

function blobOptions({ compression = 'zstd', compressionLevel, sourceDateEpoch }: BuildOptions): BlobOptions {
  return { compression, level: compressionLevel, epoch: sourceDateEpoch }
}
