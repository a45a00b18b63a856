import type { SourceLocation } from '../error.ts'

export interface ExcerptOptions {
  /** Lines shown before and after; 2 if absent. */
  readonly context?: number | undefined
  /** Most lines shown of the range itself; the rest is left out with `…`. 10 if absent. */
  readonly longest?: number | undefined
}

/**
 * The lines of a file around a range, numbered, with `^^^` under what the range covers:
 *
 * ```text
 *    2 | FROM debian
 * >  3 | RNU make
 *      | ^^^
 * ```
 *
 * A range of several lines is marked by `>` alone. Ends without a newline.
 */
export function excerpt({ text, range }: SourceLocation, { context = 2, longest = 10 }: ExcerptOptions = {}): string {
  const lines = text.split(/\r?\n/)
  if (lines.length > 1 && lines.at(-1) === '') lines.pop()
  const first = Math.min(range.start.line, lines.length)
  const last = Math.min(Math.max(range.end.line, first), lines.length)
  const from = Math.max(1, first - context)
  const to = Math.min(lines.length, last + context)
  const width = String(to).length
  const shown: string[] = []
  for (let number = from; number <= to; number++) {
    const within = number >= first && number <= last
    if (within && number - first >= longest) {
      shown.push(`  ${' '.repeat(width)} | …`)
      number = last
      continue
    }
    const line = lines[number - 1] ?? ''
    shown.push(`${within ? '>' : ' '} ${String(number).padStart(width)} | ${line}`.trimEnd())
    if (within && first === last)
      shown.push(`  ${' '.repeat(width)} | ${caret(line, range.start.column, range.end.column)}`)
  }
  return shown.join('\n')
}

/** Columns that a text takes on a terminal, for the common cases: wide East Asian characters and emoji take two. */
function displayWidth(text: string): number {
  let width = 0
  for (const char of text) {
    if (/\p{Mark}/u.test(char)) continue
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        char,
      )
        ? 2
        : 1
  }
  return width
}

/** Carets under the columns from `start` up to `end`; tabs before them are kept, so that they line up. */
function caret(line: string, start: number, end: number): string {
  const before = line.slice(0, start - 1)
  const indent = before
    .split('\t')
    .map(part => ' '.repeat(displayWidth(part)))
    .join('\t')
  const marked = line.slice(start - 1, Math.max(start, end) - 1)
  return indent + '^'.repeat(Math.max(1, displayWidth(marked)))
}
