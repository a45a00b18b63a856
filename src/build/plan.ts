import { expandArg, expandInstruction } from '../dockerfile/expand.ts'
import type { CopyInstruction, FromInstruction, Instruction } from '../dockerfile/instruction.ts'
import { nearest } from '../dockerfile/nearest.ts'
import type { Dockerfile, Stage } from '../dockerfile/parse.ts'
import { ShaleError, type SourceRange } from '../error.ts'
import { formatPlatform, hostPlatform, type Platform, parsePlatform } from '../oci/platform.ts'
import { contextName, namedContexts } from './context-name.ts'
import { located } from './located.ts'
import type { BuildOptions } from './options.ts'
import { checkSupported } from './supported.ts'

/** A stage with its FROM understood: what it is laid upon, and which stages it reads. */
export interface PlannedStage {
  readonly stage: Stage
  /** `build`, or `stage-2` for one without a name. */
  readonly label: string
  readonly base:
    | { readonly kind: 'scratch' }
    | { readonly kind: 'stage'; readonly index: number }
    | { readonly kind: 'image'; readonly name: string; readonly range: SourceRange }
    /** What `--build-context` puts in place of an image, or of a whole stage. */
    | { readonly kind: 'context'; readonly name: string; readonly range: SourceRange }
  readonly platform: Platform
  /** Stages that must be finished before all of this one can be. */
  readonly needs: readonly number[]
}

/** A Dockerfile made ready to be solved; pure data, nothing has been looked up yet. */
export interface BuildPlan {
  readonly dockerfile: Dockerfile
  readonly stages: readonly PlannedStage[]
  /** Index of the stage that becomes the image. */
  readonly target: number
  /** Global ARGs with their values, for ARG in stages. */
  readonly globals: ReadonlyMap<string, string>
  /** TARGETPLATFORM and its kin. */
  readonly automatic: ReadonlyMap<string, string>
}

export function planBuild(dockerfile: Dockerfile, options: BuildOptions): BuildPlan {
  if (dockerfile.stages.length === 0) throw new ShaleError('NO_STAGES', 'dockerfile contains no stages to build')
  const platform = options.platform ?? hostPlatform()
  const target = findTarget(dockerfile, options.target)
  const automatic = automaticArgs(platform, dockerfile, target, options.target)
  const globals = globalArgs(dockerfile, options.buildArgs ?? {}, automatic)
  const contexts = namedContexts(options.contexts)
  const stages = dockerfile.stages.map(stage =>
    planStage(dockerfile, stage, { globals, automatic, platform, contexts }),
  )
  checkCycles(dockerfile, stages)
  checkOrder(dockerfile, stages, target)
  checkSupported(
    dockerfile,
    neededStages(stages, target).flatMap(index => stages[index]?.stage.instructions ?? []),
    options.allow ?? [],
  )
  return { dockerfile, stages, target, globals, automatic }
}

/** Index of the last stage with this name (any case) or number; undefined when it is no stage. */
export function findStage(dockerfile: Dockerfile, name: string): number | undefined {
  const named = stagesNamed(dockerfile, name).at(-1)
  if (named !== undefined) return named
  return /^\d+$/.test(name) && Number(name) < dockerfile.stages.length ? Number(name) : undefined
}

/** A name with a registry, a folder or a tag is meant as an image. */
export function mayBeStage(name: string): boolean {
  return !/[/:.@]/.test(name)
}

/** The stage that was meant by a name under which there is neither stage nor image; one of the first `before` stages. */
export function nearestStage({ stages }: Dockerfile, name: string, before = stages.length): string | undefined {
  if (!mayBeStage(name)) return undefined
  return nearest(
    name,
    stages.slice(0, before).flatMap(stage => stage.originalName ?? []),
  )
}

const NAMED = new WeakMap<Dockerfile, ReadonlyMap<string, readonly number[]>>()

/** Indices of the stages with this name (any case), lowest first: looked up for each instruction of ten thousand stages. */
function stagesNamed(dockerfile: Dockerfile, name: string): readonly number[] {
  const known = NAMED.get(dockerfile)
  if (known !== undefined) return known.get(name.toLowerCase()) ?? []
  const named = new Map<string, number[]>()
  for (const stage of dockerfile.stages) {
    if (stage.name === undefined) continue
    const indices = named.get(stage.name)
    if (indices === undefined) named.set(stage.name, [stage.index])
    else indices.push(stage.index)
  }
  NAMED.set(dockerfile, named)
  return stagesNamed(dockerfile, name)
}

function findTarget(dockerfile: Dockerfile, name: string | undefined): number {
  if (name === undefined || name === '') return dockerfile.stages.length - 1
  const index = findStage(dockerfile, name)
  if (index !== undefined) return index
  const names = dockerfile.stages.flatMap(stage => stage.originalName ?? [])
  const near = nearest(name, names)
  const meant = near === undefined ? '' : ` (did you mean ${near}?)`
  throw new ShaleError('TARGET_NOT_FOUND', `target stage ${JSON.stringify(name)} could not be found${meant}`, {
    hint: names.length === 0 ? 'no stage of the Dockerfile has a name' : `the stages are ${names.join(', ')}`,
  })
}

/** BUILDPLATFORM, TARGETPLATFORM and their kin. */
export function automaticArgs(
  platform: Platform,
  dockerfile: Dockerfile,
  target: number,
  asked: string | undefined,
): ReadonlyMap<string, string> {
  const host = hostPlatform()
  const stageName = dockerfile.stages[target]?.name
  return new Map([
    ['BUILDPLATFORM', formatPlatform(host)],
    ['BUILDOS', host.os],
    ['BUILDARCH', host.architecture],
    ['BUILDVARIANT', host.variant ?? ''],
    ['TARGETPLATFORM', formatPlatform(platform)],
    ['TARGETOS', platform.os],
    ['TARGETARCH', platform.architecture],
    ['TARGETVARIANT', platform.variant ?? ''],
    ['TARGETSTAGE', asked === undefined || asked === '' ? (stageName ?? 'default') : asked],
  ])
}

function globalArgs(
  dockerfile: Dockerfile,
  buildArgs: Readonly<Record<string, string>>,
  automatic: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  const lookup = (name: string) => values.get(name) ?? buildArgs[name] ?? automatic.get(name)
  for (const arg of dockerfile.metaArgs.flatMap(({ args }) => args)) {
    const given = buildArgs[arg.key]
    const value = given ?? expandArg(arg, lookup, dockerfile.escape, dockerfile).value ?? automatic.get(arg.key)
    if (value !== undefined) values.set(arg.key, value)
  }
  return values
}

interface Given {
  readonly globals: ReadonlyMap<string, string>
  readonly automatic: ReadonlyMap<string, string>
  readonly platform: Platform
  readonly contexts: ReadonlyMap<string, string>
}

function planStage(
  dockerfile: Dockerfile,
  stage: Stage,
  { globals, automatic, platform, contexts }: Given,
): PlannedStage {
  const lookup = (name: string) => globals.get(name) ?? automatic.get(name)
  const from = expandInstruction(stage.from, lookup, dockerfile.escape, dockerfile)
  const own = from.platform === undefined ? platform : stagePlatform(dockerfile, from, from.platform)
  const label = stage.originalName ?? `stage-${stage.index}`
  if (stage.name !== undefined && contexts.has(contextName(stage.name))) {
    const base = { kind: 'context', name: stage.name, range: from.imageRange } as const
    return { stage: { ...stage, instructions: [] }, label, base, platform: own, needs: [] }
  }
  const base = findBase(dockerfile, stage, from, contexts)
  const needs = new Set(stage.instructions.flatMap(instruction => stagesRead(dockerfile, instruction)))
  if (base.kind === 'stage') needs.add(base.index)
  return {
    stage,
    label,
    base,
    platform: own,
    needs: [...needs],
  }
}

function stagePlatform(dockerfile: Dockerfile, { range }: FromInstruction, platform: string): Platform {
  try {
    return parsePlatform(platform)
  } catch (error) {
    throw located(error, dockerfile, range)
  }
}

function findBase(
  dockerfile: Dockerfile,
  stage: Stage,
  from: FromInstruction,
  contexts: Given['contexts'],
): PlannedStage['base'] {
  const named = stagesNamed(dockerfile, from.image).findLast(index => index < stage.index)
  if (named !== undefined) return { kind: 'stage', index: named }
  if (contexts.has(contextName(from.image))) return { kind: 'context', name: from.image, range: from.imageRange }
  if (from.image === 'scratch') return { kind: 'scratch' }
  return { kind: 'image', name: from.image, range: from.imageRange }
}

function stagesRead(dockerfile: Dockerfile, instruction: Instruction): readonly number[] {
  if (instruction.kind === 'copy') {
    const index = instruction.from === undefined ? undefined : findStage(dockerfile, instruction.from)
    return index === undefined ? [] : [index]
  }
  if (instruction.kind !== 'run') return []
  return instruction.mounts.flatMap(({ options }) => {
    const from = options.find(({ key }) => key === 'from')?.value
    return (from === undefined ? undefined : findStage(dockerfile, from)) ?? []
  })
}

function checkCycles(dockerfile: Dockerfile, stages: readonly PlannedStage[]): void {
  const state = new Map<number, 'open' | 'done'>()
  // A stack of its own: ten thousand stages, each on the one before, are too deep for calls.
  for (const { stage } of stages) {
    const open = [{ index: stage.index, next: 0 }]
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const needed = stages[top.index]?.needs[top.next++]
      if (top.next === 1) {
        if (state.get(top.index) === 'done') {
          open.pop()
          continue
        }
        state.set(top.index, 'open')
      }
      if (needed === undefined) {
        state.set(top.index, 'done')
        open.pop()
      } else if (state.get(needed) === 'open') throw circularStage({ dockerfile, stages }, needed)
      else open.push({ index: needed, next: 0 })
    }
  }
}

/** The error for a stage that waits for itself. */
export function circularStage(
  { dockerfile, stages }: Pick<BuildPlan, 'dockerfile' | 'stages'>,
  index: number,
): ShaleError {
  const { label, stage } = stages[index] as PlannedStage
  return new ShaleError('CIRCULAR_DEPENDENCY', `circular dependency detected on stage: ${label}`, {
    source: { ...dockerfile, range: stage.from.range },
    hint: 'a stage can only copy from stages above it, its ONBUILD triggers too',
  })
}

function checkOrder(dockerfile: Dockerfile, stages: readonly PlannedStage[], target: number): void {
  for (const index of neededStages(stages, target)) {
    const { stage } = stages[index] as PlannedStage
    for (const instruction of stage.instructions) {
      const later = stagesRead(dockerfile, instruction).find(other => other > index)
      if (later === undefined || instruction.kind !== 'copy') continue
      throw outOfOrder(dockerfile, instruction, (stages[later] as PlannedStage).label)
    }
  }
}

function outOfOrder(dockerfile: Dockerfile, copy: CopyInstruction, label: string): ShaleError {
  return new ShaleError(
    'STAGE_ORDER',
    `cannot copy from stage ${JSON.stringify(label)}, it needs to be defined before current stage`,
    { source: { ...dockerfile, range: copy.fromRange ?? copy.range }, hint: `move stage ${label} up` },
  )
}

/** The target and every stage that it needs, lowest first. */
export function neededStages(stages: readonly PlannedStage[], target: number): readonly number[] {
  // A set that grows while it is gone through gives what was added, too.
  const needed = new Set([target])
  for (const index of needed) for (const next of stages[index]?.needs ?? []) needed.add(next)
  return [...needed].sort((a, b) => a - b)
}

/** The target and the stages it is built FROM: those whose layers are in the image. */
export function exportedStages(stages: readonly PlannedStage[], target: number): ReadonlySet<number> {
  const exported = new Set<number>()
  for (let index: number | undefined = target; index !== undefined; ) {
    exported.add(index)
    const base: PlannedStage['base'] | undefined = stages[index]?.base
    index = base?.kind === 'stage' ? base.index : undefined
  }
  return exported
}
