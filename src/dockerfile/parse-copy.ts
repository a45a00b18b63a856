import { Failure } from './failure.ts'
import { type Flags, valueWord } from './flags.ts'
import { chompTabs, type Heredoc, parseHeredocWord } from './heredoc.ts'
import type { AddInstruction, CopyBase, CopyInstruction, CopySource } from './instruction.ts'
import { baseOf, failAt, type Request, rangeOf, readFlags } from './request.ts'
import type { Word } from './source.ts'

const SHARED = { chown: 'string', chmod: 'string', link: 'bool', exclude: 'strings' } as const
const COPY = { ...SHARED, from: 'string', parents: 'bool' } as const
const ADD = { ...SHARED, checksum: 'string', 'keep-git-dir': 'bool', unpack: 'bool' } as const

export function parseCopy(request: Request): CopyInstruction {
  requireTwo(request)
  const flags = readFlags(request, COPY)
  const from = flags.find('from')
  return {
    kind: 'copy',
    ...copyBase(request, flags),
    from: from?.value === '' ? undefined : from?.value,
    fromRange: from === undefined ? undefined : rangeOf(request, valueWord(from)),
    parents: flags.bool('parents') ?? false,
  }
}

export function parseAdd(request: Request): AddInstruction {
  requireTwo(request)
  const flags = readFlags(request, ADD)
  return {
    kind: 'add',
    ...copyBase(request, flags),
    checksum: flags.string('checksum'),
    keepGitDir: flags.bool('keep-git-dir'),
    unpack: flags.bool('unpack'),
  }
}

function requireTwo(request: Request): void {
  if (request.node.args.length >= 2) return
  const problem = 'requires at least two arguments, but only one was provided. Destination could not be determined'
  const hint = `write ${request.name} <source>... <destination>`
  failAt(request, request.node.args[0], `${request.name} ${problem}`, hint)
}

function copyBase(request: Request, flags: Flags): CopyBase {
  const words = request.node.args.slice(0, -1)
  const destination = request.node.args.at(-1)!
  if (heredocName(request, destination) !== undefined) {
    failAt(request, destination, `${request.name} cannot accept a heredoc as a destination`)
  }
  const order = words.map(word => sourceOf(request, word))
  const paths = order.filter(source => source.kind === 'path')
  return {
    ...baseOf(request, flags),
    order,
    sources: paths.map(({ path }) => path),
    sourceRanges: paths.map(({ range }) => range),
    inline: order.filter(source => source.kind === 'inline').map(({ heredoc }) => heredoc),
    destination: destination.text,
    destinationRange: rangeOf(request, destination),
    chown: flags.string('chown'),
    chmod: flags.string('chmod'),
    link: flags.bool('link') ?? false,
    exclude: flags.strings('exclude').map(({ value }) => value ?? ''),
  }
}

function heredocName(request: Request, word: Word): string | undefined {
  if (request.node.json) return undefined
  try {
    return parseHeredocWord(word.text)?.name
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return failAt(request, word, error.message)
  }
}

function sourceOf(request: Request, word: Word): CopySource {
  const name = heredocName(request, word)
  const found = request.heredocs.findLast(heredoc => heredoc.name === name)
  const range = rangeOf(request, word)
  if (found === undefined) return { kind: 'path', path: word.text, range }
  return { kind: 'inline', heredoc: withoutTabs(found), range }
}

function withoutTabs(heredoc: Heredoc): Heredoc {
  return heredoc.chomp ? { ...heredoc, content: chompTabs(heredoc.content) } : heredoc
}
