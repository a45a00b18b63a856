import type { Position, SourceRange } from '../error.ts'

/** A line of the file as written: its text without the line ending, and where it is. */
export interface PhysicalLine {
  readonly text: string
  /** `'\n'`, `'\r\n'`, or `''` at the end of the file. */
  readonly ending: string
  /** Offset of its first character in the file. */
  readonly offset: number
  /** 1-based. */
  readonly number: number
}

/** Cuts a text into its lines; a text that ends with a newline has no empty line after it. */
export function physicalLines(text: string): readonly PhysicalLine[] {
  const lines: PhysicalLine[] = []
  let offset = 0
  while (offset < text.length) {
    const newline = text.indexOf('\n', offset)
    const end = newline === -1 ? text.length : newline
    const carriage = newline > offset && text[newline - 1] === '\r'
    lines.push({
      text: text.slice(offset, carriage ? end - 1 : end),
      ending: newline === -1 ? '' : carriage ? '\r\n' : '\n',
      offset,
      number: lines.length + 1,
    })
    offset = end + 1
  }
  return lines
}

/** A stretch of a joined line that stands on one line of the file. */
interface Segment {
  /** Where the stretch begins in the joined text. */
  readonly start: number
  readonly line: number
  /** 1-based column of its first character in the file. */
  readonly column: number
  readonly length: number
}

/** One instruction's line after continuations are joined; knows where in the file each of its characters came from. */
export class JoinedLine {
  readonly text: string
  readonly #segments: readonly Segment[]

  constructor(text: string, segments: readonly Segment[]) {
    this.text = text
    this.#segments = segments
  }

  #segmentAt(index: number): Segment {
    // The last one that begins at or before it; a line may have a hundred thousand.
    let low = 0
    let high = this.#segments.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.#segments[middle]!.start <= index) low = middle
      else high = middle - 1
    }
    while (low > 0 && this.#segments[low]!.length === 0 && this.#segments[low]!.start !== index) low--
    return this.#segments[low]!
  }

  /** Where the character at `index` of the joined text stands. */
  position(index: number): Position {
    const segment = this.#segmentAt(index)
    return { line: segment.line, column: segment.column + index - segment.start }
  }

  /** Where the characters from `start` up to, not including, `end` stand. */
  range(start: number, end: number): SourceRange {
    if (end <= start) return { start: this.position(start), end: this.position(start) }
    const last = this.position(end - 1)
    return { start: this.position(start), end: { line: last.line, column: last.column + 1 } }
  }
}

/** Collects the pieces of a line that is continued over several lines of the file. */
export class LineJoiner {
  #text = ''
  readonly #segments: Segment[] = []

  /** `column` is 1-based, the place of the piece's first character. */
  add(piece: string, line: number, column: number): void {
    this.#segments.push({ start: this.#text.length, line, column, length: piece.length })
    this.#text += piece
  }

  join(): JoinedLine {
    return new JoinedLine(this.#text, this.#segments)
  }
}

/** A word of a joined line: what it says (quotes may be gone) and which characters of the line it stands on. */
export interface Word {
  readonly text: string
  readonly start: number
  readonly end: number
}
