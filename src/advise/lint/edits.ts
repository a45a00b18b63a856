import type { Position } from '../../error.ts'
import type { Edit } from '../rule.ts'
import type { ShellCommand, ShellWord } from '../shell/script.ts'
import type { LintStep } from './subject.ts'

/** Whether places of the command are places of the file. */
function isExact({ instruction }: LintStep, { exact }: ShellCommand): boolean {
  return exact && instruction.kind === 'run' && instruction.form === 'shell'
}

/** Puts a text behind a word of a command; undefined where the word does not stand in the file by itself. */
export function insertAfter(
  step: LintStep,
  command: ShellCommand,
  word: ShellWord | undefined,
  text: string,
): readonly Edit[] | undefined {
  if (word === undefined || !isExact(step, command)) return undefined
  return [{ range: step.rangeOf({ start: word.end, end: word.end }), text }]
}

/** Puts a flag behind the sub-command: `apt-get install` → `apt-get install -y`. */
export function insertFlag(
  step: LintStep,
  command: ShellCommand,
  verbs: ReadonlySet<string>,
  flag: string,
): readonly Edit[] | undefined {
  return insertAfter(
    step,
    command,
    command.args.find(({ value }) => verbs.has(value)),
    ` ${flag}`,
  )
}

export function replaceWord(
  step: LintStep,
  command: ShellCommand,
  word: ShellWord | undefined,
  text: string,
): readonly Edit[] | undefined {
  if (word === undefined || word.text !== word.value || !isExact(step, command)) return undefined
  return [{ range: step.rangeOf(word), text }]
}

/** Appends a command to a RUN, on a line of its own where the RUN has several. */
export function appendCommand(step: LintStep, command: ShellCommand, text: string): readonly Edit[] | undefined {
  const at = step.script?.appendAt
  if (at === undefined || !isExact(step, command)) return undefined
  const { raw } = step.outer
  const place = step.rangeOf({ start: at, end: at })
  if (!raw.includes('\\\n')) return [{ range: place, text: ` && ${text}` }]
  // As the lines before it are written: && at their ends or at their beginnings.
  const indent = /^[ \t]*/.exec(raw.slice(raw.lastIndexOf('\n') + 1))?.[0] ?? ''
  const trails = /&&[ \t]*\\\n/.test(raw)
  return [{ range: place, text: trails ? ` && \\\n${indent}${text}` : ` \\\n${indent}&& ${text}` }]
}

/**
 * Makes those changes of a text that do not touch each other, in the order given; a later one that touches an earlier
 * one is left for another time.
 */
export function applyEdits(text: string, fixes: readonly (readonly Edit[])[]): string {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  const offsetOf = ({ line, column }: Position) => (starts[line - 1] ?? text.length) + column - 1
  const taken: { readonly from: number; readonly to: number; readonly text: string }[] = []
  for (const fix of fixes) {
    const edits = fix.map(edit => ({ from: offsetOf(edit.range.start), to: offsetOf(edit.range.end), text: edit.text }))
    const touches = edits.some(({ from, to }) => taken.some(other => from <= other.to && other.from <= to))
    if (!touches) taken.push(...edits)
  }
  let result = text
  for (const { from, to, text: put } of taken.sort((a, b) => b.from - a.from)) {
    result = result.slice(0, from) + put + result.slice(to)
  }
  return result
}
