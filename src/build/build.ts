import { join } from 'node:path'
import { formatPlatform, hostPlatform, type Platform } from '../oci/platform.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import type { Store } from '../store/types.ts'
import { loadAndPlan } from './checks.ts'
import { type ContextPlace, placeContext, withCommit } from './context-place.ts'
import { withEpoch, withEpochArg } from './epoch.ts'
import { type BuildEvent, failedEvent } from './events.ts'
import type { ExportedImage } from './export.ts'
import { parseExtraHost } from './extra-host.ts'
import { exportIndex } from './image-index.ts'
import { FolderDigests } from './known-digests.ts'
import type { BuildOptions } from './options.ts'
import { needsImage, type Output, writtenPath } from './outputs/output.ts'
import { planBuild } from './plan.ts'
import { blobOptions, PlatformBuild, type PlatformPlan } from './platform-build.ts'
import { ScratchFolders } from './scratch.ts'
import { type BuildServices, BuildSession } from './session.ts'
import type { StageState } from './stage-state.ts'
import { warnings } from './warnings.ts'

export type { BuildServices } from './session.ts'

/** What a build has come to, whatever it was asked for. */
export interface BuildOutcome {
  /** The image, or with several platforms that of the first; undefined when no output is made of an image. */
  readonly image?: ExportedImage | undefined
  /** Digest of the manifest, or with several platforms of the index: the image ID. */
  readonly imageId?: ExportedImage['digest'] | undefined
  /** Complete names that now point at it. */
  readonly names: readonly string[]
  /** Paths that were written. */
  readonly written: readonly string[]
  readonly ran: number
  readonly cached: number
}

export interface BuildResult extends BuildOutcome {
  readonly image: ExportedImage
  readonly imageId: ExportedImage['digest']
}

const STORE_ONLY: readonly Output[] = [{ type: 'image', names: [] }]

/** Builds an image into the store; see `runBuild`. */
export async function buildImage(
  store: Store,
  asked: Omit<BuildOptions, 'outputs'>,
  services: BuildServices,
): Promise<BuildResult> {
  const { image, imageId, ...outcome } = await runBuild(store, { ...asked, outputs: STORE_ONLY }, services)
  if (image === undefined || imageId === undefined) throw new Error('the build has made no image')
  return { ...outcome, image, imageId }
}

/**
 * Builds a Dockerfile and a context, for one platform or several, and writes the outputs. Throws a ShaleError that points
 * at the line that failed; what was built by then stays in the cache. Aborting `asked.signal` ends running commands at
 * once.
 */
export async function runBuild(store: Store, asked: BuildOptions, services: BuildServices): Promise<BuildOutcome> {
  try {
    return await runPlaced(store, asked, services)
  } catch (error) {
    asked.onEvent?.(failedEvent(error))
    throw error
  }
}

async function runPlaced(store: Store, asked: BuildOptions, services: BuildServices): Promise<BuildOutcome> {
  const startedAt = Date.now()
  const given = withEpochArg(withModes(asked))
  given.tags?.forEach(parseReference)
  given.addHosts?.forEach(parseExtraHost)
  const lease = store.lease('build')
  const scratch = new ScratchFolders(join(store.tempDir, `${lease.id}-build-`))
  try {
    const env = services.env ?? process.env
    const placed = await placeContext({ ...given, bytes: given.contextBytes, scratchFolder: scratch.make, env })
    const place = given.reproducible ? await withCommit(placed, given.signal) : placed
    const known = new FolderDigests(store.statIndex, place.folder)
    const plans = await platformPlans(given, place, known)
    const [{ plan, options }] = plans as readonly [PlatformPlan]
    const { signal, onEvent } = given
    const more = { dockerfile: plan.dockerfile, packs: blobOptions(options), signal, onEvent }
    const session = new BuildSession({ store, lease, place, known, scratch, services, ...more })
    const builds = plans.map(plan => new PlatformBuild(session, plan))
    try {
      return await new WholeBuild(session, plans, builds, startedAt).run()
    } finally {
      session.abort()
      for (const build of builds) await build.close()
      await session.close()
    }
  } finally {
    scratch.remove()
    lease.end()
  }
}

/** Those that a build has by itself. */
function withModes(asked: BuildOptions): BuildOptions {
  return asked.reproducible ? { ...asked, contextModes: asked.contextModes ?? 'git' } : asked
}

/** One plan for each platform; the Dockerfile is read once. */
async function platformPlans(
  given: BuildOptions,
  place: ContextPlace,
  known: FolderDigests,
): Promise<readonly PlatformPlan[]> {
  const platforms = distinct(given.platforms ?? [given.platform])
  const outputs = given.outputs ?? STORE_ONLY
  const { loaded, plan: first } = await loadAndPlan({ ...given, platform: platforms[0] }, place, known)
  return platforms.map((platform, index) => {
    const plan = index === 0 ? first : planBuild(loaded.dockerfile, { ...given, platform })
    const options = withEpoch({ ...given, platform }, plan, place.time)
    const label = platforms.length > 1 ? formatPlatform(platform ?? hostPlatform()) : ''
    return { options, plan, loaded, label, packs: outputs.some(needsImage) }
  })
}

function distinct(platforms: readonly (Platform | undefined)[]): readonly (Platform | undefined)[] {
  const named = new Map(platforms.map(platform => [platform && formatPlatform(platform), platform]))
  return [...named.values()]
}

/** The builds for all platforms, and what is made of them. */
class WholeBuild {
  readonly #session: BuildSession
  readonly #plans: readonly PlatformPlan[]
  readonly #builds: readonly PlatformBuild[]
  readonly #options: BuildOptions
  readonly #outputs: readonly Output[]
  readonly #startedAt: number
  /** The image, or the index over all images, becomes one of the store. */
  readonly #isStored: boolean

  constructor(
    session: BuildSession,
    plans: readonly PlatformPlan[],
    builds: readonly PlatformBuild[],
    startedAt: number,
  ) {
    this.#startedAt = startedAt
    this.#session = session
    this.#plans = plans
    this.#builds = builds
    this.#options = (plans[0] as PlatformPlan).options
    this.#outputs = this.#options.outputs ?? STORE_ONLY
    this.#isStored = this.#outputs.some(({ type }) => type === 'image')
  }

  async run(): Promise<BuildOutcome> {
    const { emit } = this.#session
    const [{ plan }] = this.#plans as [PlatformPlan]
    const steps = this.#builds.flatMap(({ announced }) => announced)
    emit({ type: 'started', at: this.#startedAt, dockerfile: plan.dockerfile.file, steps })
    for (const { message, range } of warnings(plan, this.#options)) emit({ type: 'warning', message, range })
    for (const message of this.#uncommitted()) emit({ type: 'warning', message })
    const { states, images } = await this.#checked(async () => {
      const states = await Promise.all(this.#builds.map(build => build.solve()))
      return { states, images: this.#outputs.some(needsImage) ? await this.#exportAll(states) : [] }
    })
    const top = images.length > 1 ? await exportIndex(this.#session, images, this.#isStored) : images[0]
    if (this.#isStored && top !== undefined) this.#noteOrigins(states, [...images, top])
    const names = this.#names()
    await this.#write(states, top?.digest, names)
    for (const build of this.#builds) build.remember()
    const built = this.#builds.flatMap(({ steps: log }) => log.built)
    await this.#session.cacheTo.finish(built, this.#session.lease)
    return this.#finish({ image: images[0], imageId: top?.digest, names })
  }

  /** What the rules say is told at the end, also of a build that fails; what is to fail by them, fails first. */
  async #checked<T>(work: () => Promise<T>): Promise<T> {
    try {
      for (const { checks, context } of this.#builds) await checks.before(context.image)
      return await work()
    } finally {
      const events = await Promise.all(this.#builds.map(({ checks }) => checks.warnings()))
      // Most are true of every platform.
      const told = new Map<string, BuildEvent>(events.flat().map(event => [JSON.stringify(event), event]))
      for (const event of told.values()) this.#session.emit(event)
    }
  }

  async #exportAll(states: readonly StageState[]): Promise<readonly ExportedImage[]> {
    const images: ExportedImage[] = []
    for (const [index, build] of this.#builds.entries())
      images.push(await build.export(states[index] as StageState, this.#isStored && this.#builds.length === 1))
    return images
  }

  #noteOrigins(states: readonly StageState[], images: readonly { readonly digest: ExportedImage['digest'] }[]): void {
    for (const [index, { digest }] of images.entries()) {
      // The index, which comes last, is told of as the first of its images is.
      const isIndex = index === this.#builds.length
      const at = isIndex ? 0 : index
      const platforms = (isIndex ? states : states.slice(at, at + 1)).map(({ platform }) => platform)
      this.#builds[at]?.noteOrigin(digest, states[at] as StageState, platforms)
    }
  }

  async #write(
    states: readonly StageState[],
    id: ExportedImage['digest'] | undefined,
    names: readonly string[],
  ): Promise<void> {
    const { store } = this.#session
    const others = this.#outputs.filter(({ type }) => type !== 'image' && type !== 'cacheonly')
    if (others.length > 0) {
      const { writeOutputs } = await import('./outputs/write-outputs.ts')
      const platforms = this.#builds.map((build, index) => ({
        build,
        state: states[index] as StageState,
        label: (this.#plans[index] as PlatformPlan).label,
      }))
      await writeOutputs({ session: this.#session, platforms, id, tags: this.#options.tags ?? [] }, others)
    }
    // Names move last: when an output cannot be written, nothing has happened.
    if (this.#isStored && id !== undefined) store.images.tagAll(names, id, 'build')
  }

  /** What is built besides the commit that the image is to be reproduced from. */
  #uncommitted(): readonly string[] {
    const { commit } = this.#session.place
    const source = this.#builds[0]?.context.source
    const changed = (commit?.changed ?? []).filter(path => source?.excludes(path) === false)
    if (commit === undefined || changed.length === 0) return []
    const [first, ...others] = changed
    const more = others.length === 0 ? '' : ` and ${others.length} more`
    const name = commit.commit.slice(0, 12)
    return [`the context differs from commit ${name}, which will not give this image: ${first}${more}`]
  }

  /** Names that the image gets in the store. */
  #names(): readonly string[] {
    const stored = this.#outputs.filter(output => output.type === 'image')
    if (stored.length === 0) return []
    const all = [...(this.#options.tags ?? []), ...stored.flatMap(({ names }) => names)]
    return [...new Set(all.map(name => formatReference(parseReference(name))))]
  }

  #finish(made: Pick<BuildOutcome, 'image' | 'imageId' | 'names'>): BuildOutcome {
    const sum = (of: (build: PlatformBuild) => number) => this.#builds.reduce((total, build) => total + of(build), 0)
    const ran = sum(({ steps }) => steps.ran)
    const cached = sum(({ steps }) => steps.cached)
    const written = this.#outputs.flatMap(output => writtenPath(output) ?? [])
    const at = Date.now()
    const { imageId, names } = made
    const durationMs = at - this.#startedAt
    this.#session.emit({ type: 'finished', at, durationMs, imageId, names, written, ran, cached })
    return { ...made, written, ran, cached }
  }
}
