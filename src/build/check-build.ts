import { join } from 'node:path'
import { checkDockerfile } from '../advise/check.ts'
import { parseLeniently } from '../advise/parse-leniently.ts'
import type { Finding } from '../advise/rule.ts'
import type { BaseFacts } from '../advise/subject.ts'
import { ShaleError } from '../error.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import type { Store } from '../store/types.ts'
import { partInput } from './checks.ts'
import { placeContext } from './context-place.ts'
import { withEpochArg } from './epoch.ts'
import { FolderDigests } from './known-digests.ts'
import { type LoadedContext, loadContext } from './load-context.ts'
import type { BuildOptions } from './options.ts'
import { type BuildPlan, neededStages, planBuild } from './plan.ts'
import { ScratchFolders } from './scratch.ts'

/** What checking a build without running it gave. */
export interface BuildCheck {
  /** What the Dockerfile is called and says; undefined when there is none to read. */
  readonly source: { readonly file: string; readonly text: string } | undefined
  readonly findings: readonly Finding[]
  /** A mistake that a build would end with before anything runs. */
  readonly error: ShaleError | undefined
}

/** Tells what is known of a base image without fetching its files; undefined when that is nothing. */
export type BaseLookup = (name: string, platform: Platform) => Promise<BaseFacts | undefined>

export interface CheckServices {
  readonly base: BaseLookup
  /** Where a context from an address may need settings. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Applies the rules to every stage, or with a target to those that it needs, and looks for mistakes as far as that goes
 * without running anything. Throws only what has nothing to do with the Dockerfile's text.
 */
export async function checkBuild(store: Store, asked: BuildOptions, { base, env }: CheckServices): Promise<BuildCheck> {
  const options = withEpochArg(asked)
  const lease = store.lease('build')
  const scratch = new ScratchFolders(join(store.tempDir, `${lease.id}-check-`))
  try {
    const place = await placeContext({ ...options, bytes: options.contextBytes, scratchFolder: scratch.make, env })
    const known = new FolderDigests(store.statIndex, place.folder)
    return await checkPlaced(options, () => loadContext(options, place, known), base)
  } finally {
    scratch.remove()
    lease.end()
  }
}

async function checkPlaced(options: BuildOptions, load: () => LoadedContext, base: BaseLookup): Promise<BuildCheck> {
  try {
    return await checkLoaded(load(), options, base)
  } catch (error) {
    if (!(error instanceof ShaleError) || error.source === undefined) throw error
    const { file, text } = error.source
    const { dockerfile } = parseLeniently(text, file)
    const findings = dockerfile === undefined ? [] : checkDockerfile(partInput(dockerfile, options)).findings
    return { source: { file, text }, findings, error }
  }
}

async function checkLoaded(
  { dockerfile, source }: LoadedContext,
  options: BuildOptions,
  base: BaseLookup,
): Promise<BuildCheck> {
  const { plan, error } = planned(() => planBuild(dockerfile, options))
  const whole = partInput(dockerfile, options)
  const facts = plan === undefined ? new Map<string, BaseFacts>() : await knownBases(plan, base)
  const targeted = plan !== undefined && options.target !== undefined && options.target !== ''
  const { findings } = checkDockerfile({
    ...whole,
    ...(plan && { automatic: plan.automatic }),
    ...(targeted && { stages: neededStages(plan.stages, plan.target) }),
    base: (name, platform) => facts.get(`${name} ${formatPlatform(platform)}`),
    isExcluded: path => source.excludes(path),
  })
  return { source: dockerfile, findings, error }
}

function planned(work: () => BuildPlan): { readonly plan?: BuildPlan; readonly error: ShaleError | undefined } {
  try {
    return { plan: work(), error: undefined }
  } catch (error) {
    if (error instanceof ShaleError) return { error }
    throw error
  }
}

async function knownBases({ stages }: BuildPlan, base: BaseLookup): Promise<ReadonlyMap<string, BaseFacts>> {
  const asked = new Map<string, Promise<BaseFacts | undefined>>()
  for (const { base: from, platform } of stages) {
    if (from.kind !== 'image') continue
    const key = `${from.name} ${formatPlatform(platform)}`
    if (!asked.has(key)) asked.set(key, base(from.name, platform))
  }
  const found = await Promise.all([...asked].map(async ([key, facts]) => [key, await facts] as const))
  return new Map(found.flatMap(([key, facts]) => (facts === undefined ? [] : [[key, facts] as const])))
}
