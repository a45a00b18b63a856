import { adviceOn } from './advice.ts'
import type { Directive } from './directives.ts'
import { rejectVariableFrom } from './expand.ts'
import { Failure, located } from './failure.ts'
import type { ArgInstruction, FromInstruction, Instruction } from './instruction.ts'
import type { InstructionNode } from './node.ts'
import { type DockerfileWarning, parseNodes } from './nodes.ts'
import { instructionFrom } from './parse-instruction.ts'
import { describe } from './request.ts'

/** A stage: a FROM and the instructions up to the next one. */
export interface Stage {
  /** 0-based, as `COPY --from=0` counts. */
  readonly index: number
  /** From `AS`, in lower case. */
  readonly name?: string | undefined
  /** The name as written. */
  readonly originalName?: string | undefined
  readonly from: FromInstruction
  /** Those after FROM. */
  readonly instructions: readonly Instruction[]
  /** From a comment `# name …` above FROM. */
  readonly doc?: string | undefined
}

/** A Dockerfile as typed instructions; words are as written, see `expandInstruction`. */
export interface Dockerfile {
  /** What errors call the file. */
  readonly file: string
  /** The text without byte order mark; every range points into it. */
  readonly text: string
  readonly escape: '\\' | '`'
  readonly directives: readonly Directive[]
  /** The ARG instructions before the first FROM. */
  readonly metaArgs: readonly ArgInstruction[]
  readonly stages: readonly Stage[]
  /** All instructions in file order. */
  readonly instructions: readonly Instruction[]
  readonly warnings: readonly DockerfileWarning[]
}

export interface ParseOptions {
  /** What errors call the file; `Dockerfile` if absent. */
  readonly file?: string | undefined
}

/**
 * Parses a Dockerfile as BuildKit's stable frontend does. Throws a ShaleError whose `source` points at the offending
 * word: codes `DOCKERFILE_SYNTAX`, `_UNKNOWN_INSTRUCTION`, `_FLAG`, `_MOUNT`, `_HEREDOC`, `_DIRECTIVE`, `_EMPTY`,
 * `_NO_STAGE`.
 *
 * @see https://docs.docker.com/reference/dockerfile/
 */
export function parseDockerfile(source: string, options: ParseOptions = {}): Dockerfile {
  const text = source.replace(/^\ufeff/, '')
  const file = options.file ?? 'Dockerfile'
  return located({ file, text }, undefined, () => {
    const { nodes, warnings, ...rest } = parseNodes(text)
    const parsed = nodes.map(node => ({ node, instruction: instructionFrom(node) }))
    const instructions = parsed.map(instructionOf)
    return {
      file,
      text,
      ...rest,
      ...intoStages(parsed),
      instructions,
      warnings: [...warnings, ...adviceOn(instructions)],
    }
  })
}

/**
 * The instructions of a text that need not be a whole Dockerfile: no FROM is asked for. For what looks at instructions
 * alone, such as lint rules.
 */
export function parseInstructions(source: string, options: ParseOptions = {}): readonly Instruction[] {
  const text = source.replace(/^\ufeff/, '')
  return located({ file: options.file ?? 'Dockerfile', text }, undefined, () =>
    parseNodes(text).nodes.map(instructionFrom),
  )
}

interface Parsed {
  readonly node: InstructionNode
  readonly instruction: Instruction
}

function instructionOf({ instruction }: Parsed): Instruction {
  return instruction
}

function intoStages(parsed: readonly Parsed[]): { metaArgs: readonly ArgInstruction[]; stages: readonly Stage[] } {
  const metaArgs: ArgInstruction[] = []
  const stages: (Stage & { instructions: Instruction[] })[] = []
  for (const { node, instruction } of parsed) {
    const stage = stages.at(-1)
    if (instruction.kind === 'copy') rejectVariableFrom(instruction)
    if (instruction.kind === 'from') stages.push(stageFrom(node, instruction, stages.length))
    else if (stage !== undefined) stage.instructions.push(instruction)
    else if (instruction.kind === 'arg') metaArgs.push(instruction)
    else {
      const hint = 'begin with FROM; only ARG may stand before it'
      throw new Failure('DOCKERFILE_NO_STAGE', 'no build stage in current context', instruction.keywordRange, hint)
    }
  }
  if (stages.length === 0) {
    const range = parsed[0]?.instruction.range
    throw new Failure('DOCKERFILE_NO_STAGE', 'dockerfile contains no stages to build', range, 'add a FROM')
  }
  return { metaArgs, stages }
}

function stageFrom(
  node: InstructionNode,
  from: FromInstruction,
  index: number,
): Stage & { instructions: Instruction[] } {
  const name = from.stageName
  const doc = describe(node.comments, name)
  return { index, name, originalName: node.args[2]?.text, from, instructions: [], doc }
}

/**
 * Parses one instruction by itself: an ONBUILD trigger out of an image's config (here-documents may follow its line),
 * or one given on the command line. `file` is what errors call it.
 */
export function parseInstruction(text: string, options: ParseOptions = {}): Instruction {
  return located({ file: options.file ?? 'instruction', text }, undefined, () => {
    const [node, more] = parseNodes(text).nodes
    if (node === undefined || more !== undefined) {
      const range = more?.line.range(0, more.line.text.length)
      throw new Failure('DOCKERFILE_SYNTAX', 'onbuild trigger should be a single expression', range)
    }
    return instructionFrom(node)
  })
}
