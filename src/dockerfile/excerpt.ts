import type { SourceLocation, SourceRange } from '../error.ts'

export interface ExcerptOptions {
  /** Lines shown before and after; 2 if absent. */
  readonly context?: number | undefined
  /** Most lines shown of the range itself; the rest is left out with `…`. 10 if absent. */
  readonly longest?: number | undefined
}

/** Characters shown of a line; of a longer one those around the range. */
const WIDEST = 160

/**
 * The lines of a file around a range, numbered, with `^^^` under what the range covers:
 *
 * ```text
 *    2 | FROM debian
 * >  3 | RNU make
 *      | ^^^
 * ```
 *
 * A range of several lines is marked by `>` alone. Ends without a newline. Characters that are not for a terminal are
 * shown as escapes, lines too long for one are cut.
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
    const marked = within && first === last
    const [before, middle, after] = shownLine(lines[number - 1] ?? '', marked ? range : undefined)
    shown.push(`${within ? '>' : ' '} ${String(number).padStart(width)} | ${before}${middle}${after}`.trimEnd())
    if (marked) shown.push(`  ${' '.repeat(width)} | ${caret(before, middle)}`)
  }
  return shown.join('\n')
}

/** A line as it is shown: what comes before the range, what is in it, and what comes after. */
function shownLine(line: string, range: SourceRange | undefined): readonly [string, string, string] {
  const start = (range?.start.column ?? 1) - 1
  const end = Math.max(start, (range?.end.column ?? 1) - 1)
  const [from, to] = visible(line, Math.min(start, line.length))
  const cut = (begin: number, stop: number) => printable(line.slice(Math.max(begin, from), Math.min(stop, to)))
  return [(from > 0 ? '…' : '') + cut(0, start), cut(start, end), cut(end, line.length) + (to < line.length ? '…' : '')]
}

/** The part of a line to show, `[from, to)`: all of it if there is room, else what is around `at`. */
function visible(line: string, at: number): readonly [from: number, to: number] {
  let room = WIDEST
  let from = at
  let to = at
  const take = (index: number) => printable(line.charAt(index)).length
  for (; from > 0 && room > WIDEST / 2; from--) room -= take(from - 1)
  for (; to < line.length && room > 0; to++) room -= take(to)
  for (; from > 0 && room > 0; from--) room -= take(from - 1)
  return [from, to]
}

/** Control characters, and those that turn the direction of what follows: a terminal would not show what is there. */
const NOT_SHOWN = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

/** A text of the user's as a terminal can show it, on one line. */
export function printable(text: string): string {
  return text.replace(NOT_SHOWN, char => {
    if (char === '\t') return char
    const code = char.charCodeAt(0).toString(16)
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code}`
  })
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

/** Carets under the marked text; tabs before it are kept, so that they line up. */
function caret(before: string, marked: string): string {
  const indent = before
    .split('\t')
    .map(part => ' '.repeat(displayWidth(part)))
    .join('\t')
  return indent + '^'.repeat(Math.max(1, displayWidth(marked)))
}
