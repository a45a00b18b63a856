import { printable } from './excerpt.ts'
import { Failure } from './failure.ts'
import type { Instruction, OnbuildInstruction } from './instruction.ts'
import { nearest } from './nearest.ts'
import { type InstructionNode, KEYWORDS, type Node } from './node.ts'
import { parseAdd, parseCopy } from './parse-copy.ts'
import { parseRun } from './parse-run.ts'
import * as simple from './parse-simple.ts'
import { baseOf, failAt, type Request, rangeOf, readFlags, someArguments } from './request.ts'
import { trim } from './space.ts'

const PARSERS: ReadonlyMap<string, (request: Request) => Instruction> = new Map<
  string,
  (request: Request) => Instruction
>([
  ['add', parseAdd],
  ['arg', simple.parseArg],
  ['cmd', simple.parseCmd],
  ['copy', parseCopy],
  ['entrypoint', simple.parseEntrypoint],
  ['env', simple.parseEnv],
  ['expose', simple.parseExpose],
  ['from', simple.parseFrom],
  ['healthcheck', simple.parseHealthcheck],
  ['label', simple.parseLabel],
  ['maintainer', simple.parseMaintainer],
  ['onbuild', parseOnbuild],
  ['run', parseRun],
  ['shell', simple.parseShell],
  ['stopsignal', simple.parseStopsignal],
  ['user', simple.parseUser],
  ['volume', simple.parseVolume],
  ['workdir', simple.parseWorkdir],
])

/** A word in the other's case, when that is all upper or all lower. */
function inCaseOf(word: string, model: string): string {
  return model === model.toLowerCase() ? word.toLowerCase() : word.toUpperCase()
}

function interpret(request: Request): Instruction {
  const { text } = request.node.keyword
  const parse = PARSERS.get(text.toLowerCase())
  if (parse !== undefined) return parse(request)
  const meant = nearest(text, KEYWORDS)
  const hint = meant === undefined ? binaryHint(text) : `did you mean ${inCaseOf(meant, text)}?`
  throw new Failure(
    'DOCKERFILE_UNKNOWN_INSTRUCTION',
    `unknown instruction: ${shortened(printable(text))}`,
    rangeOf(request, request.node.keyword),
    hint,
  )
}

/** Enough of a word for a message, which shows the line as well. */
function shortened(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`
}

function binaryHint(text: string): string | undefined {
  return /[\0-\x08\ufffd]/.test(text) ? 'this is no text file; name the Dockerfile with -f' : undefined
}

/** Keyword in upper case and the rest of the joined line, from the keyword on. */
function oneLine({ keyword, line }: Node): string {
  return keyword.text.toUpperCase() + line.text.slice(keyword.end).trimEnd()
}

/** Gives one node its meaning; throws a {@link Failure} when it has none. */
export function instructionFrom(node: InstructionNode): Instruction {
  const { keyword, line, comments, heredocs, raw } = node
  const start = line.position(keyword.start)
  const rawLines = raw.split('\n')
  const last = rawLines.at(-1)!
  const column = rawLines.length === 1 ? start.column + last.length : last.length + 1
  return interpret({
    node,
    name: keyword.text.toUpperCase(),
    base: {
      range: { start, end: { line: node.endLine, column } },
      keyword: keyword.text,
      keywordRange: line.range(keyword.start, keyword.end),
      raw,
      text: oneLine(node),
      doc: comments.length === 0 ? undefined : comments.join('\n'),
    },
    heredocs,
    comments,
  })
}

function parseOnbuild(request: Request): OnbuildInstruction {
  const child = request.node.child
  if (child === undefined) {
    someArguments(request)
    return failAt(request, undefined, 'ONBUILD requires at least one argument')
  }
  const flags = readFlags(request)
  const name = child.keyword.text.toUpperCase()
  if (name === 'ONBUILD') failAt(request, child.keyword, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
  if (name === 'MAINTAINER' || name === 'FROM') {
    failAt(request, child.keyword, `${name} isn't allowed as an ONBUILD trigger`)
  }
  const bodies = request.heredocs.map(heredoc => `\n${heredoc.content}${heredoc.name}`)
  const expression = trim(request.node.line.text.slice(child.keyword.start)) + bodies.join('')
  const base = {
    ...request.base,
    keyword: child.keyword.text,
    keywordRange: rangeOf(request, child.keyword),
    text: oneLine(child),
    raw: expression,
  }
  const trigger = interpret({ ...request, node: child, name, base })
  return { kind: 'onbuild', ...baseOf(request, flags), trigger, expression }
}
