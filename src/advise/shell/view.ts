import type { Instruction, RunInstruction } from '../../dockerfile/instruction.ts'
import type { Position, SourceRange } from '../../error.ts'

/**
 * The script of a RUN, as long as the instruction in the file: what is not script (keyword, flags, comments among the
 * lines) is blank, so that an offset in one is an offset in the other.
 */
export interface ShellView {
  readonly text: string
  /** Where in the file the characters from `start` up to, not including, `end` stand. */
  readonly range: (start: number, end: number) => SourceRange
}

const BLANK = /[\s\S]/g
/** What a script in a here-document may begin with, for it to be one of a shell. */
const SHELL_LINE = /^#!\s*\S*?(?:\/env\s+(?:-S\s+)?)?(?:\S*\/)?(?:ba|da|a|z|k)?sh\b/
const ONLY_HEREDOC = /^<<-?\s*\S+$/

/**
 * The script of `run`, which is `outer` itself or its trigger. Undefined when there is none for a shell: a JSON array, or
 * a here-document for another interpreter.
 */
export function shellView(outer: Instruction, run: RunInstruction, escapeChar: '\\' | '`'): ShellView | undefined {
  if (run.form === 'exec') return undefined
  const starts = lineStarts(outer.raw)
  const from = outer.range.start
  const offsetOf = ({ line, column }: Position) => {
    const within = line - from.line
    return (starts[within] ?? 0) + column - (within === 0 ? from.column : 1)
  }
  const positionOf = (offset: number): Position => {
    let line = starts.length - 1
    while (line > 0 && (starts[line] ?? 0) > offset) line--
    return { line: from.line + line, column: offset - (starts[line] ?? 0) + (line === 0 ? from.column : 1) }
  }
  const begin = offsetOf(run.flags.at(-1)?.range.end ?? run.keywordRange.end)
  const text = scriptOf(outer.raw, run, begin, escapeChar)
  if (text === undefined) return undefined
  return { text, range: (start, end) => ({ start: positionOf(start), end: positionOf(end) }) }
}

function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function scriptOf(raw: string, run: RunInstruction, begin: number, escapeChar: string): string | undefined {
  const { text, bodyAt } = joinable(raw, escapeChar)
  const [heredoc, another] = run.heredocs
  if (heredoc !== undefined && another === undefined && ONLY_HEREDOC.test(run.command.trim())) {
    const { content } = heredoc
    if (content.startsWith('#!') && !SHELL_LINE.test(content)) return undefined
    return blank(raw.slice(0, bodyAt)) + content
  }
  return blank(text.slice(0, begin)) + text.slice(begin)
}

function blank(text: string): string {
  return text.replace(BLANK, ' ')
}

/** The instruction with continuations as a shell wants them; what follows `bodyAt` are here-documents. */
function joinable(raw: string, escapeChar: string): { readonly text: string; readonly bodyAt: number } {
  let text = ''
  const lines = raw.split('\n')
  for (const [index, line] of lines.entries()) {
    const isLast = index === lines.length - 1
    const trimmed = line.trimStart()
    if (index > 0 && (trimmed === '' || trimmed.startsWith('#'))) {
      text += blank(line) + (isLast ? '' : ' ')
      continue
    }
    const kept = line.trimEnd()
    const continued = kept.endsWith(escapeChar) && !kept.endsWith(escapeChar + escapeChar)
    if (!continued) return { text: text + raw.slice(text.length), bodyAt: text.length + line.length + 1 }
    // The escape goes to the end of its line, where blanks may follow it.
    text += isLast ? kept.slice(0, -1) : `${kept.slice(0, -1).padEnd(line.length - 1)}\\\n`
  }
  return { text, bodyAt: text.length }
}
