import { Failure } from './failure.ts'
import { nearest } from './nearest.ts'
import type { JoinedLine, Word } from './source.ts'
import { isSpace } from './space.ts'

/** Takes the words that start with `--` off the front of an instruction's arguments; a lone `--` ends them. */
export function takeFlags({ text, start }: Word): { flags: readonly Word[]; rest: Word } {
  const flags: Word[] = []
  let at = 0
  for (;;) {
    while (at < text.length && isSpace(text[at]!)) at++
    if (!text.startsWith('--', at)) break
    const { value, end } = readFlag(text, at)
    const from = at
    at = end
    if (value === '--') break
    flags.push({ text: value, start: start + from, end: start + end })
  }
  return { flags, rest: trimmed(text, start, at) }
}

function trimmed(text: string, start: number, at: number): Word {
  let from = at
  let to = text.length
  while (from < to && isSpace(text[from]!)) from++
  while (to > from && isSpace(text[to - 1]!)) to--
  return { text: text.slice(from, to), start: start + from, end: start + to }
}

/** Reads one flag; quotes and backslashes are resolved, whatever the file's escape character is. */
function readFlag(text: string, from: number): { value: string; end: number } {
  let value = ''
  let quote = ''
  let at = from
  for (; at < text.length; at++) {
    const char = text[at]!
    if (char === '\\') {
      at++
      value += text[at] ?? ''
    } else if (quote !== '') {
      if (char === quote) quote = ''
      else value += char
    } else if (char === '"' || char === "'") quote = char
    else if (isSpace(char)) break
    else value += char
  }
  return { value, end: Math.min(at, text.length) }
}

type Kind = 'bool' | 'string' | 'strings'

/** A flag of an instruction as given. */
export interface FlagValue {
  readonly name: string
  /** Undefined when there is no `=`. */
  readonly value: string | undefined
  /** The whole flag in the joined line. */
  readonly word: Word
}

/** The value's own place when the flag is written without quotes and escapes, else the flag's. */
export function valueWord({ value, word }: FlagValue): Word {
  const plain = word.end - word.start === word.text.length
  return plain && value !== undefined
    ? { text: value, start: word.end - value.length, end: word.end }
    : { text: value ?? '', start: word.start, end: word.end }
}

function splitFlag(word: Word): FlagValue {
  const equals = word.text.indexOf('=')
  const name = equals === -1 ? word.text.slice(2) : word.text.slice(2, equals)
  return { name, value: equals === -1 ? undefined : word.text.slice(equals + 1), word }
}

/** The flags of one instruction, checked against those that it knows. */
export class Flags {
  readonly given: readonly FlagValue[]
  readonly #line: JoinedLine

  constructor(line: JoinedLine, words: readonly Word[], known: Readonly<Record<string, Kind>>) {
    this.#line = line
    this.given = words.map(splitFlag)
    this.given.forEach((flag, index) => {
      this.#check(flag, known)
      const repeated = this.given.findIndex(({ name }) => name === flag.name) < index
      if (repeated && known[flag.name] !== 'strings') this.#fail(flag, `duplicate flag specified: --${flag.name}`)
    })
  }

  #check(flag: FlagValue, known: Readonly<Record<string, Kind>>): void {
    const kind = Object.hasOwn(known, flag.name) ? known[flag.name] : undefined
    if (kind === undefined) {
      const meant = nearest(flag.name, Object.keys(known))
      this.#fail(flag, `unknown flag: --${flag.name}`, meant === undefined ? undefined : `did you mean --${meant}?`)
    }
    if (kind !== 'bool' && flag.value === undefined) this.#fail(flag, `missing a value on flag: --${flag.name}`)
    if (kind !== 'bool' || flag.value === undefined) return
    if (flag.value === '') this.#fail(flag, `missing a value on flag: --${flag.name}`)
    if (!/^(?:true|false)$/i.test(flag.value)) {
      this.#fail(flag, `expecting boolean value for flag --${flag.name}, not: ${flag.value}`, 'write true or false')
    }
  }

  #fail(flag: FlagValue, message: string, hint?: string): never {
    throw new Failure('DOCKERFILE_FLAG', message, this.#line.range(flag.word.start, flag.word.end), hint)
  }

  /** The flag with this name as given, if it was. */
  find(name: string): FlagValue | undefined {
    return this.given.find(flag => flag.name === name)
  }

  string(name: string): string | undefined {
    return this.find(name)?.value
  }

  strings(name: string): readonly FlagValue[] {
    return this.given.filter(flag => flag.name === name)
  }

  /** Undefined when the flag is not given; a bare flag means true. */
  bool(name: string): boolean | undefined {
    const flag = this.find(name)
    return flag === undefined ? undefined : flag.value?.toLowerCase() !== 'false'
  }
}
