import { expandWord } from '../dockerfile/expand.ts'
import type { Instruction } from '../dockerfile/instruction.ts'
import type { Expansion, Lookup } from '../dockerfile/lex.ts'
import type { Dockerfile, Stage } from '../dockerfile/parse.ts'
import { ShaleError } from '../error.ts'
import type { Platform } from '../oci/platform.ts'
import { shortened, simulate } from './simulate.ts'

/** What of a base image the rules ask for. */
export interface BaseFacts {
  /** Lines `NAME=value`. */
  readonly env: readonly string[]
  /** The image has a SHELL of its own. */
  readonly hasShell: boolean
  readonly platform: Platform
}

/** A Dockerfile and what is known around it. */
export interface CheckInput {
  readonly dockerfile: Dockerfile
  /** Indices of the stages whose instructions are looked at: of a build those that the target needs. */
  readonly stages: readonly number[]
  readonly buildArgs: Readonly<Record<string, string>>
  /** TARGETPLATFORM and its kin. */
  readonly automatic: ReadonlyMap<string, string>
  /** Platform of the build; what a FROM without `--platform` means. */
  readonly platform: Platform
  /** Facts of a base image; undefined when nothing is known of it. */
  readonly base: (image: string, platform: Platform) => BaseFacts | undefined
  /** Whether .dockerignore keeps a path, given relative to the context, out of it. */
  readonly isExcluded: (path: string) => boolean
}

/** A FROM with its words expanded; undefined where a word cannot be. */
export interface ExpandedFrom {
  readonly stage: Stage
  readonly image: Expansion | undefined
  readonly platform: Expansion | undefined
}

/** An instruction of a stage with what was in force when it came. */
export interface Step {
  readonly stage: Stage
  readonly instruction: Instruction
  readonly expanded: Instruction
  /** Names of variables that it uses and nobody has set. */
  readonly unset: readonly string[]
  /** Names that are set there. */
  readonly known: () => Iterable<string>
  /** Nothing is known of the image that the stage begins with, so that it may set anything. */
  readonly baseUnknown: boolean
  /** SHELL was set, here or in the base. */
  readonly hasShell: boolean
  /** The stage, or one that it is based on, has had a WORKDIR. */
  readonly hasWorkdir: boolean
}

/** What rules look at. Everything in it is computed once for all of them. */
export interface Subject extends CheckInput {
  /** Every FROM of the file. */
  readonly froms: readonly ExpandedFrom[]
  /** Values of the ARGs before the first FROM, and of the automatic ones. */
  readonly globals: ReadonlyMap<string, string>
  /** The same when no build argument is given. */
  readonly defaults: ReadonlyMap<string, string>
  /** The instructions of the stages that are looked at, in order. */
  readonly steps: readonly Step[]
}

export function subjectOf(input: CheckInput): Subject {
  const globals = globalValues(input, input.buildArgs)
  const froms = input.dockerfile.stages.map(stage => expandFrom(input, stage, globals))
  const defaults = globalValues(input, {})
  return { ...input, froms, globals, defaults, steps: simulate(input, froms, globals) }
}

function globalValues(
  { dockerfile, automatic }: CheckInput,
  buildArgs: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const values = new Map(automatic)
  for (const { key, value } of dockerfile.metaArgs.flatMap(({ args }) => args)) {
    const given = buildArgs[key] ?? (value && expanded(value, name => values.get(name), dockerfile)?.value)
    if (given !== undefined) values.set(key, shortened(given))
  }
  return values
}

function expandFrom({ dockerfile }: CheckInput, stage: Stage, globals: ReadonlyMap<string, string>): ExpandedFrom {
  const lookup: Lookup = name => globals.get(name)
  const { image, platform } = stage.from
  return {
    stage,
    image: expanded(image, lookup, dockerfile),
    platform: platform === undefined ? undefined : expanded(platform, lookup, dockerfile),
  }
}

/** The word expanded; undefined when it cannot be, which the build itself will tell. */
export function expanded(word: string, lookup: Lookup, dockerfile: Dockerfile): Expansion | undefined {
  try {
    return expandWord(word, lookup, { escape: dockerfile.escape })
  } catch (error) {
    if (error instanceof ShaleError) return undefined
    throw error
  }
}
