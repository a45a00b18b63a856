import { expandArg, expandInstruction } from '../dockerfile/expand.ts'
import type { ArgInstruction, Instruction } from '../dockerfile/instruction.ts'
import type { Dockerfile, Stage } from '../dockerfile/parse.ts'
import { ShaleError } from '../error.ts'
import { type Platform, parsePlatform } from '../oci/platform.ts'
import type { CheckInput, ExpandedFrom, Step } from './subject.ts'

/** What a stage has set so far. */
interface State {
  readonly values: ReadonlyMap<string, string>
  /** Names that ARG declares without a value: they are defined, and empty. */
  readonly declared: ReadonlySet<string>
  readonly baseUnknown: boolean
  readonly hasShell: boolean
  readonly hasWorkdir: boolean
}

/** Characters that are kept of a value. */
const LONGEST = 4096

const NOTHING: State = {
  values: new Map([['PATH', '']]),
  declared: new Set(),
  baseUnknown: false,
  hasShell: false,
  hasWorkdir: false,
}

/** Goes through the stages that are looked at as a build would, as far as variables, SHELL and WORKDIR are concerned. */
export function simulate(
  input: CheckInput,
  froms: readonly ExpandedFrom[],
  globals: ReadonlyMap<string, string>,
): readonly Step[] {
  const wanted = new Set(input.stages)
  const ends = new Map<number, State>()
  const steps: Step[] = []
  // A stage can only be based on one above it, so that going down is enough.
  for (const from of froms) {
    let state = baseState(input, from, ends)
    for (const instruction of from.stage.instructions) {
      const { step, next } = stepOf(input, from.stage, instruction, state, globals)
      if (wanted.has(from.stage.index)) steps.push(step)
      state = next
    }
    ends.set(from.stage.index, state)
  }
  return steps
}

/** The stage that a FROM names, one above it; undefined when it names an image. */
export function baseStage({ stages }: Dockerfile, before: number, name: string): Stage | undefined {
  const lower = name.toLowerCase()
  for (let index = before - 1; index >= 0; index--) if (stages[index]?.name === lower) return stages[index]
  return undefined
}

function baseState(input: CheckInput, { stage, image, platform }: ExpandedFrom, ends: Map<number, State>): State {
  if (image === undefined) return { ...NOTHING, baseUnknown: true }
  const base = baseStage(input.dockerfile, stage.index, image.value)
  if (base !== undefined) return ends.get(base.index) ?? NOTHING
  if (image.value === 'scratch') return NOTHING
  const facts = input.base(image.value, platformOf(platform?.value) ?? input.platform)
  if (facts === undefined) return { ...NOTHING, baseUnknown: true }
  const values = facts.env.map(line => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)] as const)
  return { ...NOTHING, values: new Map([...NOTHING.values, ...values]), hasShell: facts.hasShell }
}

/** Undefined when the text is no platform, which the build itself will tell. */
export function platformOf(text: string | undefined): Platform | undefined {
  if (text === undefined) return undefined
  try {
    return parsePlatform(text)
  } catch (error) {
    if (error instanceof ShaleError) return undefined
    throw error
  }
}

function stepOf(
  input: CheckInput,
  stage: Stage,
  instruction: Instruction,
  state: State,
  globals: ReadonlyMap<string, string>,
): { readonly step: Step; readonly next: State } {
  const unset = new Set<string>()
  const lookup = (name: string) => {
    const value = state.values.get(name)
    if (value === undefined && !state.declared.has(name)) unset.add(name)
    return value
  }
  const given = instruction.kind === 'arg' ? withoutGiven(instruction, input.buildArgs) : instruction
  const expanded = attempt(given, () => expandInstruction(given, lookup, input.dockerfile.escape))
  const { baseUnknown, hasShell, hasWorkdir } = state
  const known = () => [...globals.keys(), ...state.values.keys(), ...state.declared]
  const step = { stage, instruction, expanded, unset: [...unset], known, baseUnknown, hasShell, hasWorkdir }
  return { step, next: after(input, state, expanded, globals) }
}

/** A default that a build argument replaces is not looked at. */
function withoutGiven(instruction: ArgInstruction, buildArgs: Readonly<Record<string, string>>): ArgInstruction {
  const args = instruction.args.map(arg => (Object.hasOwn(buildArgs, arg.key) ? { ...arg, value: undefined } : arg))
  return { ...instruction, args }
}

function attempt<T>(otherwise: T, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof ShaleError) return otherwise
    throw error
  }
}

function after(
  { buildArgs, automatic, dockerfile }: CheckInput,
  state: State,
  instruction: Instruction,
  globals: ReadonlyMap<string, string>,
): State {
  switch (instruction.kind) {
    case 'env':
      return { ...state, values: new Map([...state.values, ...instruction.pairs.map(pairOf)]) }
    case 'shell':
      return { ...state, hasShell: true }
    case 'workdir':
      return { ...state, hasWorkdir: true }
    case 'arg': {
      const values = new Map(state.values)
      const declared = new Set(state.declared)
      for (const arg of instruction.args) {
        const own = attempt(arg, () => expandArg(arg, name => values.get(name), dockerfile.escape)).value
        const value = buildArgs[arg.key] ?? own ?? globals.get(arg.key) ?? automatic.get(arg.key)
        declared.add(arg.key)
        if (value !== undefined && !state.values.has(arg.key)) values.set(arg.key, shortened(value))
      }
      return { ...state, values, declared }
    }
    default:
      return state
  }
}

function pairOf({ key, value }: { readonly key: string; readonly value: string }): readonly [string, string] {
  return [key, shortened(value)]
}

/** No rule needs more of a value, and one that doubles line by line would fill memory. */
export function shortened(value: string): string {
  return value.length <= LONGEST ? value : value.slice(0, LONGEST)
}
