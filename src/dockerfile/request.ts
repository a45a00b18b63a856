import type { SourceRange } from '../error.ts'
import { Failure } from './failure.ts'
import { Flags } from './flags.ts'
import type { Heredoc } from './heredoc.ts'
import type { CommandLine, InstructionBase } from './instruction.ts'
import type { Node } from './node.ts'
import type { Word } from './source.ts'

/** What a parser of one kind of instruction gets: the words, and what every instruction has. */
export interface Request {
  readonly node: Node
  /** Keyword in upper case. */
  readonly name: string
  readonly base: Omit<InstructionBase, 'flags'>
  readonly heredocs: readonly Heredoc[]
  readonly comments: readonly string[]
}

export function rangeOf(request: Request, word: Word): SourceRange {
  return request.node.line.range(word.start, word.end)
}

/** Fails at `word`, or at the keyword. */
export function failAt(request: Request, word: Word | undefined, message: string, hint?: string): never {
  throw new Failure('DOCKERFILE_SYNTAX', message, rangeOf(request, word ?? request.node.keyword), hint)
}

/** The instruction's flags, checked against those it knows. */
export function readFlags(request: Request, known: ConstructorParameters<typeof Flags>[2] = {}): Flags {
  return new Flags(request.node.line, request.node.flags, known)
}

export function baseOf(request: Request, flags: Flags): InstructionBase {
  const given = flags.given.map(({ name, value, word }) => ({ name, value, range: rangeOf(request, word) }))
  return { ...request.base, flags: given }
}

/** The single argument, which is the rest of the line. */
export function onlyArgument(request: Request): string {
  const [only, ...more] = request.node.args
  if (only === undefined || more.length > 0) failAt(request, only, `${request.name} requires exactly one argument`)
  return only.text
}

export function someArguments(request: Request): readonly Word[] {
  if (request.node.args.length === 0) failAt(request, undefined, `${request.name} requires at least one argument`)
  return request.node.args
}

/** The command in either form; `words` are the arguments that belong to it. */
export function commandLine(request: Request, words: readonly Word[] = request.node.args): CommandLine {
  const args = words.map(({ text }) => text)
  if (request.node.json) return { form: 'exec', command: args.join(' '), args }
  return { form: 'shell', command: args.join(' '), args: [] }
}

/** The description of `name` in the comments above: what follows `# name `. */
export function describe(comments: readonly string[], name: string | undefined): string | undefined {
  if (name === undefined || name === '') return undefined
  return comments.find(comment => comment.startsWith(`${name} `))?.slice(name.length + 1)
}
