import { Failure } from './failure.ts'
import type { JoinedLine, Word } from './source.ts'
import { isSpace } from './space.ts'

/** Blanks as the simple splitters of Dockerfile parsing know them (no other Unicode spaces). */
const BLANKS = /[\t\v\f\r ]+/g

/** Splits a word on blanks; quotes mean nothing here. */
export function splitBlanks({ text, start }: Word): readonly Word[] {
  const words: Word[] = []
  let from = 0
  for (const match of text.matchAll(BLANKS)) {
    if (match.index > from) words.push(slice(text, start, from, match.index))
    from = match.index + match[0].length
  }
  if (from < text.length) words.push(slice(text, start, from, text.length))
  return words
}

function slice(text: string, start: number, from: number, to: number): Word {
  return { text: text.slice(from, to), start: start + from, end: start + to }
}

/** The first blank-separated part of a word and all the rest; one part if there is no blank. */
export function splitOnce({ text, start }: Word): readonly Word[] {
  const match = /[\t\v\f\r ]+/.exec(text)
  if (match === null) return [{ text, start, end: start + text.length }]
  return [slice(text, start, 0, match.index), slice(text, start, match.index + match[0].length, text.length)]
}

/** Splits on white space outside of quotes; quotes and escapes stay in the words. */
export function splitQuoted({ text, start }: Word, escapeChar: string): readonly Word[] {
  const words: Word[] = []
  let at = 0
  while (at < text.length) {
    while (at < text.length && isSpace(text[at]!)) at++
    const from = at
    at = endOfQuotedWord(text, at, escapeChar)
    // An escape character at the very end of the text escapes nothing and is dropped.
    const to = at === text.length && isDanglingEscape(text, from, escapeChar) ? at - 1 : at
    if (to > from) words.push(slice(text, start, from, to))
  }
  return words
}

function endOfQuotedWord(text: string, from: number, escapeChar: string): number {
  let quote = ''
  let at = from
  for (; at < text.length; at++) {
    const char = text[at]!
    if (char === escapeChar && quote !== "'") at++
    else if (quote !== '') quote = char === quote ? '' : quote
    else if (char === "'" || char === '"') quote = char
    else if (isSpace(char)) return at
  }
  return text.length
}

function isDanglingEscape(text: string, from: number, escapeChar: string): boolean {
  let quote = ''
  for (let at = from; at < text.length; at++) {
    const char = text[at]!
    if (char === escapeChar && quote !== "'") {
      at++
      if (at === text.length) return true
    } else if (quote !== '') quote = char === quote ? '' : quote
    else if (char === "'" || char === '"') quote = char
  }
  return false
}

const JSON_STRING = /"(?:[^"\\]|\\.)*"/g

/**
 * The elements of a JSON array of strings; undefined when the text is no JSON array (then it is shell form). Throws
 * when it is an array that holds anything but strings.
 */
export function jsonWords(word: Word, line: JoinedLine): readonly Word[] | undefined {
  if (!/^\s*\[/.test(word.text)) return undefined
  const elements = parseJson(word.text)
  if (!Array.isArray(elements)) return undefined
  if (!elements.every(element => typeof element === 'string')) {
    throw new Failure(
      'DOCKERFILE_SYNTAX',
      'when using JSON array syntax, arrays must be comprised of strings only',
      line.range(word.start, word.end),
    )
  }
  const literals = [...word.text.matchAll(JSON_STRING)]
  return elements.map((text, index) => {
    const literal = literals[index]!
    const start = word.start + literal.index
    return { text, start, end: start + literal[0].length }
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
