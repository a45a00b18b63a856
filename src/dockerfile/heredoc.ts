import { Failure } from './failure.ts'
import { lex } from './lex.ts'

/** A here-document: `<<EOF` on an instruction and the lines that follow it up to `EOF`. */
export interface Heredoc {
  /** The delimiter without its quotes, also the name of the file that COPY makes of it. */
  readonly name: string
  /** The lines between, as written, each with its line ending. */
  readonly content: string
  /** False when a part of the delimiter is quoted: variables in the content stay as they are. */
  readonly expand: boolean
  /** `<<-`: leading tabs are to be taken off every line ({@link chompTabs}). */
  readonly chomp: boolean
  /** The number before `<<`, 0 if none. */
  readonly fd: number
}

/** What one `<<` word announces. */
export type HeredocStart = Omit<Heredoc, 'content'>

const WORD = /^(\d*)<<(-?)\s*([^<]*)$/

/** Reads one word such as `3<<-'EOF'`; undefined when it is no here-document. Throws a Failure on open quotes. */
export function parseHeredocWord(word: string): HeredocStart | undefined {
  const match = WORD.exec(word)
  const rest = match?.[3] ?? ''
  if (match === null || rest === '') return undefined
  const plain = lex(rest, () => undefined, { skipUnset: true }).words
  if (plain.length !== 1) return undefined
  const quoted = lex(rest, () => undefined, { skipUnset: true, rawQuotes: true }).words
  return {
    name: plain[0]!,
    expand: countQuotes(plain[0]!) === countQuotes(quoted[0] ?? ''),
    chomp: match[2] === '-',
    fd: match[1] === '' ? 0 : Number(match[1]),
  }
}

function countQuotes(text: string): number {
  return text.match(/['"]/g)?.length ?? 0
}

/** The here-documents that a line announces, in order. */
export function heredocsOfLine(line: string): readonly HeredocStart[] {
  return unquotedWords(line)
    .map(parseHeredocWord)
    .filter(start => start !== undefined)
}

/** A shell line with quotes that do not match has no here-documents; it is the shell's to complain. */
function unquotedWords(line: string): readonly string[] {
  try {
    return lex(line, () => undefined, { rawQuotes: true, rawEscapes: true, skipUnset: true }).words
  } catch (error) {
    if (error instanceof Failure) return []
    throw error
  }
}

/** Takes the leading tabs off every line, for `<<-`. */
export function chompTabs(content: string): string {
  return content.replace(/^\t+/gm, '')
}
