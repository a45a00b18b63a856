import type { CheckReport } from '../advise/check.ts'
import type { Finding } from '../advise/rule.ts'
import type { BaseFacts, CheckInput } from '../advise/subject.ts'
import type { Dockerfile } from '../dockerfile/parse.ts'
import { ShaleError } from '../error.ts'
import { formatPlatform, hostPlatform, type Platform } from '../oci/platform.ts'
import type { ContextPlace } from './context-place.ts'
import type { BuildEvent } from './events.ts'
import type { KnownDigests } from './hash-files.ts'
import { type LoadedContext, loadContext } from './load-context.ts'
import type { BuildOptions } from './options.ts'
import { automaticArgs, type BuildPlan, neededStages, planBuild } from './plan.ts'
import type { StageState } from './stage-state.ts'

type WarningEvent = Extract<BuildEvent, { type: 'warning' }>

/** The build argument that stands in for the directive `check`. */
const CHECK_ARGUMENT = 'BUILDKIT_DOCKERFILE_CHECK'

/** What BuildKit's rules say of a build's Dockerfile. The rules' modules are loaded while the build runs. */
export class BuildChecks {
  readonly #loaded: LoadedContext
  readonly #plan: BuildPlan
  readonly #options: BuildOptions
  readonly #bases = new Map<string, BaseFacts>()
  #failed = false

  constructor(loaded: LoadedContext, plan: BuildPlan, options: BuildOptions) {
    this.#loaded = loaded
    this.#plan = plan
    this.#options = options
  }

  /** Notes what a base image sets; gives the state back. */
  know(name: string, platform: Platform, state: StageState): StageState {
    this.#bases.set(keyOf(name, platform), factsOf(state))
    return state
  }

  /**
   * Throws `CHECK_OPTION` for settings that are none, and `CHECK_VIOLATION` when the Dockerfile asks to fail and breaks
   * a rule; for that its base images are fetched first.
   */
  async before(image: (name: string, platform: Platform) => Promise<StageState>): Promise<void> {
    const { dockerfile, stages, target } = this.#plan
    const { buildArgs = {} } = this.#options
    if (!hasCheckSettings(dockerfile, buildArgs)) return
    const { checkOptions } = await import('../advise/check-options.ts')
    if (!this.#attempt(() => checkOptions(dockerfile, buildArgs)).error) return
    for (const index of neededStages(stages, target)) {
      const planned = stages[index]
      if (planned?.base.kind === 'image') await image(planned.base.name, planned.platform)
    }
    const { findings } = await this.#report()
    if (findings.length === 0) return
    const { violationError } = await import('../advise/check.ts')
    throw violationError(dockerfile, findings)
  }

  /** What there is to tell, as events. */
  async warnings(): Promise<readonly WarningEvent[]> {
    return this.#failed ? [] : (await this.#report()).findings.map(warningOf)
  }

  #attempt<T>(work: () => T): T {
    this.#failed = true
    const result = work()
    this.#failed = false
    return result
  }

  async #report(): Promise<CheckReport> {
    const { checkDockerfile } = await import('../advise/check.ts')
    const { dockerfile, automatic, stages, target } = this.#plan
    return checkDockerfile({
      dockerfile,
      automatic,
      stages: neededStages(stages, target),
      buildArgs: this.#options.buildArgs ?? {},
      platform: this.#options.platform ?? hostPlatform(),
      base: (name, platform) => this.#bases.get(keyOf(name, platform)),
      isExcluded: path => this.#loaded.source.excludes(path),
    })
  }
}

function keyOf(name: string, platform: Platform): string {
  return `${name} ${formatPlatform(platform)}`
}

function factsOf({ config, platform }: StageState): BaseFacts {
  return { env: config.Env ?? [], hasShell: (config.Shell ?? []).length > 0, platform }
}

function hasCheckSettings({ directives }: Dockerfile, buildArgs: Readonly<Record<string, string>>): boolean {
  return Object.hasOwn(buildArgs, CHECK_ARGUMENT) || directives.some(({ name }) => name === 'check')
}

function warningOf({ rule, detail, range }: Finding): WarningEvent {
  return { type: 'warning', message: detail, rule: rule.name, url: rule.url, range }
}

/** Loads and plans. What stands before a mistake in a Dockerfile is checked, too, before the mistake is thrown. */
export async function loadAndPlan(
  options: BuildOptions,
  place: ContextPlace,
  known: KnownDigests,
): Promise<{ readonly loaded: LoadedContext; readonly plan: BuildPlan }> {
  try {
    const loaded = loadContext(options, place, known)
    return { loaded, plan: planBuild(loaded.dockerfile, options) }
  } catch (error) {
    if (error instanceof ShaleError && error.source !== undefined && options.onEvent !== undefined) {
      const { parseLeniently } = await import('../advise/parse-leniently.ts')
      const { dockerfile } = parseLeniently(error.source.text, error.source.file)
      const findings = dockerfile === undefined ? [] : await findingsOfPart(dockerfile, options)
      for (const finding of findings) options.onEvent(warningOf(finding))
    }
    throw error
  }
}

/** Of a part nobody knows which stages the build would need: all of them are looked at. */
async function findingsOfPart(dockerfile: Dockerfile, options: BuildOptions): Promise<readonly Finding[]> {
  const { checkDockerfile } = await import('../advise/check.ts')
  try {
    return checkDockerfile(partInput(dockerfile, options)).findings
  } catch (error) {
    // The mistake itself is what to tell about.
    if (error instanceof ShaleError) return []
    throw error
  }
}

/** A Dockerfile, or its part, without anything around it. */
export function partInput(dockerfile: Dockerfile, options: BuildOptions): CheckInput {
  const platform = options.platform ?? hostPlatform()
  const stages = dockerfile.stages.map(({ index }) => index)
  return {
    dockerfile,
    stages,
    buildArgs: options.buildArgs ?? {},
    automatic: automaticArgs(platform, dockerfile, stages.length - 1, options.target),
    platform,
    base: () => undefined,
    isExcluded: () => false,
  }
}
