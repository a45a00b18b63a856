import { Failure } from './failure.ts'
import { takeFlags } from './flags.ts'
import type { Heredoc } from './heredoc.ts'
import type { JoinedLine, Word } from './source.ts'
import { isSpace } from './space.ts'
import { jsonWords, splitBlanks, splitOnce, splitQuoted } from './words.ts'

/** One instruction cut into words, before it is known what they mean. */
export interface Node {
  /** The keyword as written. */
  readonly keyword: Word
  readonly flags: readonly Word[]
  /** Everything after the flags. */
  readonly rest: Word
  /** The arguments; of `ENV` and `LABEL` three for each pair: key, value, and `=` or nothing. */
  readonly args: readonly Word[]
  /** The arguments are a JSON array. */
  readonly json: boolean
  /** The instruction after `ONBUILD`. */
  readonly child: Node | undefined
  readonly line: JoinedLine
}

/** A node that is a whole instruction of the file. */
export interface InstructionNode extends Node {
  readonly heredocs: readonly Heredoc[]
  /** The comment lines directly above, without `#`. */
  readonly comments: readonly string[]
  /** 1-based lines of the file, both included; the end is that of the last here-document. */
  readonly startLine: number
  readonly endLine: number
  /** The instruction as written in the file, here-documents included. */
  readonly raw: string
}

interface Arguments {
  readonly args: readonly Word[]
  readonly json?: boolean
  readonly child?: Node
}

type ArgumentParser = (rest: Word, line: JoinedLine, escapeChar: string) => Arguments

const words: ArgumentParser = rest => ({ args: splitBlanks(rest) })
const assignments: ArgumentParser = (rest, _line, escapeChar) => ({ args: splitQuoted(rest, escapeChar) })
const whole: ArgumentParser = rest => ({ args: rest.text === '' ? [] : [rest] })

const jsonOrWhole: ArgumentParser = (rest, line, escapeChar) => {
  const elements = jsonWords(rest, line)
  return elements === undefined ? whole(rest, line, escapeChar) : { args: elements, json: true }
}

const jsonOrWords: ArgumentParser = (rest, line, escapeChar) => {
  const elements = jsonWords(rest, line)
  return elements === undefined ? words(rest, line, escapeChar) : { args: elements, json: true }
}

const healthcheck: ArgumentParser = (rest, line, escapeChar) => {
  if (rest.text === '') return { args: [] }
  let end = 0
  while (end < rest.text.length && !isSpace(rest.text[end]!)) end++
  let next = end
  while (next < rest.text.length && isSpace(rest.text[next]!)) next++
  const type = { text: rest.text.slice(0, end), start: rest.start, end: rest.start + end }
  const command = jsonOrWhole(
    { text: rest.text.slice(next), start: rest.start + next, end: rest.end },
    line,
    escapeChar,
  )
  return { ...command, args: [type, ...command.args] }
}

/** A trigger that is itself ONBUILD is not looked into: that is not allowed, as the parser of meanings will say. */
const trigger: ArgumentParser = (rest, line, escapeChar) => {
  if (rest.text === '') return { args: [] }
  const nested = /^onbuild(?:\s|$)/i.test(rest.text)
  return { args: [], child: nodeFrom(rest, line, escapeChar, nested ? whole : undefined) }
}

/** `key=value …`, or the old `key value` when the first word has no `=`. */
function pairs(keyword: string): ArgumentParser {
  return (rest, line, escapeChar) => {
    const found = splitQuoted(rest, escapeChar)
    const [first] = found
    if (first === undefined) return { args: [] }
    if (!first.text.includes('=')) return { args: oldPair(keyword, rest, line) }
    return { args: found.flatMap(word => pair(word, line)) }
  }
}

function oldPair(keyword: string, rest: Word, line: JoinedLine): readonly Word[] {
  const [key, value] = splitOnce(rest)
  if (key !== undefined && value !== undefined) return [key, value, { text: '', start: key.end, end: value.start }]
  const hint = `write ${keyword} ${rest.text}=value`
  throw new Failure('DOCKERFILE_SYNTAX', `${keyword} must have two arguments`, line.range(rest.start, rest.end), hint)
}

function pair({ text, start, end }: Word, line: JoinedLine): readonly Word[] {
  const equals = text.indexOf('=')
  if (equals === -1) {
    const message = `Syntax error - can't find = in ${JSON.stringify(text)}. Must be of the form: name=value`
    throw new Failure('DOCKERFILE_SYNTAX', message, line.range(start, end), 'quote a value that has spaces')
  }
  const middle = start + equals
  return [
    { text: text.slice(0, equals), start, end: middle },
    { text: text.slice(equals + 1), start: middle + 1, end },
    { text: '=', start: middle, end: middle + 1 },
  ]
}

const PARSERS: ReadonlyMap<string, ArgumentParser> = new Map([
  ['add', jsonOrWords],
  ['arg', assignments],
  ['cmd', jsonOrWhole],
  ['copy', jsonOrWords],
  ['entrypoint', jsonOrWhole],
  ['env', pairs('ENV')],
  ['expose', words],
  ['from', words],
  ['healthcheck', healthcheck],
  ['label', pairs('LABEL')],
  ['maintainer', whole],
  ['onbuild', trigger],
  ['run', jsonOrWhole],
  ['shell', jsonOrWhole],
  ['stopsignal', whole],
  ['user', whole],
  ['volume', jsonOrWords],
  ['workdir', whole],
])

/** The instruction keywords, in lower case. */
export const KEYWORDS: readonly string[] = [...PARSERS.keys()]

/** What an unknown instruction is taken for: it is rejected later, by who knows its meaning. */
const unknown: ArgumentParser = rest => ({ args: [{ text: '', start: rest.start, end: rest.start }] })

/** Cuts one instruction, which stands at `word` of the line, into its parts; `as` overrides how its arguments are cut. */
export function nodeFrom(word: Word, line: JoinedLine, escapeChar: string, as?: ArgumentParser): Node {
  const [keyword = word, after] = splitOnce(word)
  const rest = after ?? { text: '', start: word.end, end: word.end }
  const taken = takeFlags(rest)
  const parse = as ?? PARSERS.get(keyword.text.toLowerCase()) ?? unknown
  const { args, json, child } = parse(taken.rest, line, escapeChar)
  return { keyword, flags: taken.flags, rest: taken.rest, args, json: json === true, child, line }
}

const HEREDOC_KEYWORDS: ReadonlySet<string> = new Set(['add', 'copy', 'run'])

/** Whether `<<` on this instruction's line begins a here-document. */
export function takesHeredocs(node: Node): boolean {
  const inner = node.keyword.text.toLowerCase() === 'onbuild' ? (node.child ?? node) : node
  return HEREDOC_KEYWORDS.has(inner.keyword.text.toLowerCase()) && !inner.json && node.line.text.includes('<<')
}
