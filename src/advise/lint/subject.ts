import type { FromInstruction, Instruction } from '../../dockerfile/instruction.ts'
import type { BrokenInstruction, ParsedEach } from '../../dockerfile/parse-each.ts'
import type { SourceRange } from '../../error.ts'
import { parseScript, type ShellScript } from '../shell/script.ts'
import { shellView } from '../shell/view.ts'
import type { LintConfig } from './config.ts'
import { posixShell, type ShellFacts, shellFacts } from './shell-facts.ts'
import { unquoted, Variables } from './variables.ts'

/** An instruction, or the trigger of an ONBUILD, with what is in force there. */
export interface LintStep {
  readonly stage: LintStage
  /** The instruction as it stands in the file. */
  readonly outer: Instruction
  /** The same, or the trigger of an ONBUILD. */
  readonly instruction: Instruction
  readonly onbuild: boolean
  readonly shell: ShellFacts
  readonly variables: Variables
  /** The script of a RUN for a POSIX shell; a JSON array is a script of one command. */
  readonly script: ShellScript | undefined
  /** Where in the file a stretch of the script stands. */
  readonly rangeOf: (place: { readonly start: number; readonly end: number }) => SourceRange
}

/** A stage; a file that does not begin with FROM has one without. */
export interface LintStage {
  readonly index: number
  readonly from: FromInstruction | undefined
  /** The stage that it is based on. */
  readonly parent: LintStage | undefined
  readonly steps: readonly LintStep[]
}

/** What the rules look at that see the file as it is written, whether or not it can be built. */
export interface LintSubject {
  readonly text: string
  readonly stages: readonly LintStage[]
  readonly steps: readonly LintStep[]
  readonly broken: readonly BrokenInstruction[]
  readonly config: LintConfig
  /** The stage that is built by default, and those that it is based on. */
  readonly final: ReadonlySet<LintStage>
}

interface OpenStage extends LintStage {
  readonly steps: LintStep[]
  shell: ShellFacts
  variables: Variables
}

/** Shells that comments name: of the file, and of the stages that begin on a line. */
export interface ShellComments {
  readonly file: string | undefined
  readonly lines: ReadonlyMap<number, string>
}

export function lintSubject(
  text: string,
  { escapeChar, instructions }: ParsedEach,
  config: LintConfig,
  comments: ShellComments,
): LintSubject {
  const stages: OpenStage[] = []
  const broken: BrokenInstruction[] = []
  let args = Variables.none
  let shell = comments.file === undefined ? posixShell : shellFacts([comments.file])
  for (const one of instructions) {
    if (one.kind === 'broken') {
      broken.push(one)
      continue
    }
    const named = comments.lines.get(one.range.start.line)
    if (one.kind === 'from') {
      shell = comments.file === undefined ? posixShell : shellFacts([comments.file])
      stages.push(openStage(stages, one, shell, args))
    } else if (stages.length === 0) stages.push(openStage(stages, undefined, shell, args))
    const stage = stages.at(-1)!
    if (named !== undefined) stage.shell = shellFacts([named])
    stage.steps.push(stepOf(stage, one, escapeChar))
    if (one.kind === 'shell') stage.shell = shellFacts(one.args)
    stage.variables = stage.variables.after(one)
    if (one.kind === 'arg') args = args.after(one)
  }
  return { text, stages, steps: stages.flatMap(({ steps }) => steps), broken, config, final: chainOf(stages.at(-1)) }
}

function openStage(
  stages: readonly OpenStage[],
  from: FromInstruction | undefined,
  shell: ShellFacts,
  args: Variables,
): OpenStage {
  const name = from && unquoted(from.image).toLowerCase()
  const parent = name === undefined ? undefined : stages.findLast(stage => stage.from?.stageName === name)
  return {
    index: stages.length,
    from,
    parent,
    steps: [],
    shell: parent?.shell ?? shell,
    // An ARG may be given to any stage by the same name; a linter need not be stricter than a build.
    variables: parent?.variables ?? args.undeclared,
  }
}

function stepOf(stage: OpenStage, outer: Instruction, escapeChar: '\\' | '`'): LintStep {
  const instruction = outer.kind === 'onbuild' ? outer.trigger : outer
  const { shell, variables } = stage
  const view = instruction.kind === 'run' ? shellView(outer, instruction, escapeChar) : undefined
  let script: ShellScript | undefined
  return {
    stage,
    outer,
    instruction,
    onbuild: outer.kind === 'onbuild',
    shell,
    variables,
    get script() {
      if (script !== undefined || instruction.kind !== 'run') return script
      if (instruction.form === 'exec') script = parseScript(instruction.args.map(quoted).join(' '))
      else if (view !== undefined && shell.posix) script = parseScript(view.text)
      return script
    },
    rangeOf: ({ start, end }) =>
      instruction.kind === 'run' && view !== undefined ? view.range(start, end) : outer.range,
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function chainOf(last: LintStage | undefined): ReadonlySet<LintStage> {
  const chain = new Set<LintStage>()
  for (let stage = last; stage !== undefined; stage = stage.parent) chain.add(stage)
  return chain
}
