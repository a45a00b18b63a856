import { expandArg, expandInstruction } from '../dockerfile/expand.ts'
import type { ArgInstruction, Instruction } from '../dockerfile/instruction.ts'
import { type Dockerfile, parseInstruction } from '../dockerfile/parse.ts'
import { ShaleError } from '../error.ts'
import { scratchState } from './base-image.ts'
import type { BuildContext } from './build-context.ts'
import type { Reason, StepInfo } from './events.ts'
import { located } from './located.ts'
import { copyStep } from './ops/copy.ts'
import { applyMetadata, isMetadata } from './ops/metadata.ts'
import { runStep } from './ops/run.ts'
import type { StepPosition } from './ops/step-position.ts'
import { workdirStep } from './ops/workdir.ts'
import { nearestStage, type PlannedStage } from './plan.ts'
import { lookupVariable, type StageState } from './stage-state.ts'

/** The steps of a stage that are announced before it is built. */
export interface StageSteps {
  readonly from?: StepInfo | undefined
  readonly byInstruction: ReadonlyMap<Instruction, StepInfo>
  /** All of them, FROM included. */
  readonly count: number
}

/** True for instructions that are shown as steps: those that make files. */
export function isStep(instruction: Instruction): boolean {
  return ['run', 'copy', 'add', 'workdir'].includes(instruction.kind)
}

/** Builds one stage, instruction by instruction. */
export async function solveStage(context: BuildContext, planned: PlannedStage, steps: StageSteps): Promise<StageState> {
  const based = await baseState(context, planned, steps)
  const state = await runTriggers(context, planned, {
    ...based,
    args: new Map(),
    hasOwnCmd: false,
    lastChange: undefined,
  })
  return runInstructions(context, planned, state, planned.stage.instructions, steps)
}

async function baseState(context: BuildContext, planned: PlannedStage, steps: StageSteps): Promise<StageState> {
  const { base, platform } = planned
  if (base.kind === 'scratch') return scratchState(platform)
  if (base.kind === 'stage') return context.stage(base.index, planned.stage.index)
  const load = () =>
    base.kind === 'context' ? context.contexts.state(base.name, platform) : baseImage(context, planned, base.name)
  if (steps.from === undefined) return load()
  return context.steps.run(steps.from, context.signal, async () => {
    const value = await load()
    return { value, status: 'cached' as const, reason: baseReason(value) }
  })
}

/** What FROM gave, for who asks for the whole story. */
function baseReason({ base, layers }: StageState): Reason {
  const digest = base.split(' ').at(-1)
  const count = `${layers.length} layer${layers.length === 1 ? '' : 's'}`
  return { kind: 'hit', summary: `the image ${digest}, ${count}`, details: [] }
}

/** An image that cannot be had may be the mistyped name of a stage above. */
async function baseImage(context: BuildContext, { stage, platform }: PlannedStage, name: string): Promise<StageState> {
  try {
    return await context.image(name, platform)
  } catch (error) {
    const near = nearestStage(context.plan.dockerfile, name, stage.index)
    if (near === undefined || !(error instanceof ShaleError)) throw error
    const hint = `did you mean the stage ${near}?`
    throw new ShaleError(error.code, error.message, { hint, cause: error, exitCode: error.exitCode })
  }
}

/** ONBUILD triggers of the base run first and are gone from the image (Dockerfile reference, "ONBUILD"). */
async function runTriggers(context: BuildContext, planned: PlannedStage, state: StageState): Promise<StageState> {
  const triggers = state.config.OnBuild ?? []
  if (triggers.length === 0) return state
  const { OnBuild: _, ...config } = state.config
  const instructions = triggers.map(text => parseInstruction(text, { file: `ONBUILD of ${state.base.split(' ')[0]}` }))
  const none: StageSteps = { byInstruction: new Map(), count: instructions.length }
  return runInstructions(context, planned, { ...state, config }, instructions, none)
}

async function runInstructions(
  context: BuildContext,
  planned: PlannedStage,
  start: StageState,
  instructions: readonly Instruction[],
  steps: StageSteps,
): Promise<StageState> {
  let state = start
  let ordinal = steps.from === undefined ? 0 : 1
  for (const instruction of instructions) {
    context.signal.throwIfAborted()
    if (isStep(instruction)) ordinal++
    state = await runInstruction(context, planned, state, instruction, { ordinal, steps })
  }
  return state
}

async function runInstruction(
  context: BuildContext,
  planned: PlannedStage,
  state: StageState,
  instruction: Instruction,
  place: { readonly ordinal: number; readonly steps: StageSteps },
): Promise<StageState> {
  if (instruction.kind === 'arg') return declareArgs(context, state, instruction)
  const { dockerfile } = context.plan
  const expanded = expandInstruction(
    instruction,
    name => lookupVariable(state, name),
    dockerfile.escape,
    sourceOf(dockerfile, instruction),
  )
  if (isMetadata(expanded)) {
    try {
      return applyMetadata(state, expanded)
    } catch (error) {
      throw located(error, dockerfile, sourceOf(dockerfile, instruction) && instruction.range)
    }
  }
  const at = position(context, planned, instruction, place)
  const next = await fileStep(context, state, expanded, at)
  if (next.layers.length > state.layers.length) {
    const exported = context.exported.has(planned.stage.index)
    if (exported) context.packSoon(next)
    context.cacheTo.addTop(next, exported)
  }
  return next
}

/** Errors in a trigger cannot point into the Dockerfile, which does not have it. */
function sourceOf(dockerfile: Dockerfile, instruction: Instruction): Dockerfile | undefined {
  return dockerfile.instructions.includes(instruction) ? dockerfile : undefined
}

function position(
  context: BuildContext,
  planned: PlannedStage,
  instruction: Instruction,
  { ordinal, steps }: { readonly ordinal: number; readonly steps: StageSteps },
): StepPosition {
  const known = steps.byInstruction.get(instruction)
  const info = known ?? context.steps.add(`[${planned.label} onbuild ${ordinal}/${steps.count}] ${instruction.text}`)
  return { stage: planned.label, stageIndex: planned.stage.index, ordinal, info }
}

function fileStep(
  context: BuildContext,
  state: StageState,
  instruction: Instruction,
  at: StepPosition,
): Promise<StageState> {
  switch (instruction.kind) {
    case 'run':
      return runStep(context, state, instruction, at)
    case 'copy':
    case 'add':
      return copyStep(context, state, instruction, at)
    case 'workdir':
      return workdirStep(context, state, instruction, at)
    default:
      throw new Error(`${instruction.kind} is no step`)
  }
}

/** A build argument beats the default, which is then not looked at; without either, the global ARG counts. */
function declareArgs(context: BuildContext, state: StageState, instruction: ArgInstruction): StageState {
  const { plan, options } = context
  const args = new Map(state.args)
  const words: string[] = []
  for (const arg of instruction.args) {
    const given = options.buildArgs?.[arg.key]
    const lookup = (name: string) => lookupVariable({ ...state, args }, name)
    const own = given ?? expandArg(arg, lookup, plan.dockerfile.escape, sourceOf(plan.dockerfile, instruction)).value
    const value = own ?? plan.globals.get(arg.key) ?? plan.automatic.get(arg.key)
    if (value !== undefined) args.set(arg.key, value)
    words.push(value === undefined ? arg.key : `${arg.key}=${value}`)
  }
  const history = [...state.history, { created_by: `ARG ${words.join(' ')}`, empty_layer: true }]
  return { ...state, args, history }
}
