import type { Instruction, InstructionKind } from '../../dockerfile/instruction.ts'
import type { Edit, Rule, RuleFacts, Violation } from '../rule.ts'
import type { ShellCommand } from '../shell/script.ts'
import type { LintStep, LintSubject } from './subject.ts'

/** A rule that sees the file as it is written. */
export type LintRule = Rule<LintSubject>

export type Severe = RuleFacts & Required<Pick<RuleFacts, 'severity'>>

/** What is wrong with a command: the words, or with what makes it right. */
export type Complaint = string | { readonly detail: string; readonly fix: readonly Edit[] | undefined }

/** A rule about each command of each RUN; undefined where it is right. */
export function commandRule(
  facts: Severe,
  look: (command: ShellCommand, step: LintStep, subject: LintSubject) => Complaint | undefined,
): LintRule {
  return {
    ...facts,
    *check(subject) {
      for (const step of subject.steps) {
        for (const command of step.script?.commands ?? []) {
          const complaint = look(command, step, subject)
          if (complaint !== undefined) yield violation(step.rangeOf(command), complaint)
        }
      }
    },
  }
}

/** A rule about each instruction of some kinds, ONBUILD's triggers among them. */
export function instructionRule<K extends InstructionKind>(
  facts: Severe,
  kinds: readonly K[],
  look: (instruction: Extract<Instruction, { kind: K }>, step: LintStep, subject: LintSubject) => Complaint | undefined,
): LintRule {
  const wanted: ReadonlySet<string> = new Set(kinds)
  return {
    ...facts,
    *check(subject) {
      for (const step of subject.steps) {
        if (!wanted.has(step.instruction.kind)) continue
        const complaint = look(step.instruction as Extract<Instruction, { kind: K }>, step, subject)
        if (complaint !== undefined) yield violation(step.outer.range, complaint)
      }
    },
  }
}

function violation(range: Violation['range'], complaint: Complaint): Violation {
  return typeof complaint === 'string' ? { range, detail: complaint } : { range, ...complaint }
}

/** Commands of a script after this one. */
export function commandsAfter({ script }: LintStep, command: ShellCommand): readonly ShellCommand[] {
  const commands = script?.commands ?? []
  return commands.slice(commands.indexOf(command) + 1)
}

/** Whether a RUN has a cache or tmpfs mounted over the path, whose content then never gets into the layer. */
export function isMounted({ instruction }: LintStep, path: string): boolean {
  if (instruction.kind !== 'run') return false
  return instruction.mounts.some(({ options }) => {
    const option = (...keys: string[]) => options.find(({ key }) => keys.includes(key))?.value
    const target = option('target', 'dst', 'destination')?.replace(/\/+$/, '')
    const type = option('type') ?? 'bind'
    return (type === 'cache' || type === 'tmpfs') && target !== undefined && isBeneath(path, target)
  })
}

function isBeneath(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

/** `rm` of a folder or of what is in it. */
export function removes({ name, args }: ShellCommand, path: string): boolean {
  return name === 'rm' && args.some(({ value }) => isBeneath(path, value.replace(/\/?(?:\*|\{.*)?$/, '') || '/'))
}
