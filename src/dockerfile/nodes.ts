import type { SourceRange } from '../error.ts'
import { type Directive, escapeOf, readDirectives } from './directives.ts'
import { Failure } from './failure.ts'
import { type Heredoc, type HeredocStart, heredocsOfLine } from './heredoc.ts'
import { type InstructionNode, nodeFrom, takesHeredocs } from './node.ts'
import { type JoinedLine, LineJoiner, type PhysicalLine, physicalLines } from './source.ts'
import { trim, trimStart } from './space.ts'

export interface DockerfileWarning {
  readonly kind: 'empty-continuation' | 'advice'
  readonly message: string
  readonly hint: string
  readonly range: SourceRange
}

/** A Dockerfile cut into instructions, each cut into words, whether or not those make sense. */
export interface ParsedNodes {
  readonly directives: readonly Directive[]
  readonly escape: '\\' | '`'
  readonly nodes: readonly InstructionNode[]
  readonly warnings: readonly DockerfileWarning[]
}

/** BuildKit's limit on a line of a Dockerfile, in bytes. */
const LONGEST_LINE = 65_535

function isComment(line: PhysicalLine): boolean {
  return trimStart(line.text).startsWith('#')
}

class NodeReader {
  readonly #text: string
  readonly #lines: readonly PhysicalLine[]
  readonly #escape: string
  readonly #continued: RegExp
  readonly nodes: InstructionNode[] = []
  readonly warnings: DockerfileWarning[] = []
  #next: number
  #comments: string[] = []

  constructor(text: string, lines: readonly PhysicalLine[], directives: number, escapeChar: string) {
    this.#text = text
    this.#lines = lines
    this.#next = directives
    this.#escape = escapeChar
    const quoted = `\\${escapeChar}`
    // An escape character that is itself escaped does not continue the line.
    this.#continued = new RegExp(`(?:[^${quoted}]|^)(${quoted}[ \\t]*)$`)
  }

  readAll(): void {
    for (let line = this.#take(); line !== undefined; line = this.#take()) {
      if (isComment(line)) this.#comment(line)
      else if (trim(line.text) !== '') this.#instruction(line)
      // Comments that an empty line parts from an instruction are not about it.
      else this.#comments = []
    }
  }

  #take(): PhysicalLine | undefined {
    const line = this.#lines[this.#next]
    if (line === undefined) return undefined
    this.#next++
    const mayBeTooLong = line.text.length > LONGEST_LINE / 3
    if (mayBeTooLong && Buffer.byteLength(line.text + line.ending) - (line.ending === '' ? 0 : 1) > LONGEST_LINE) {
      const start = { line: line.number, column: 1 }
      throw new Failure('DOCKERFILE_SYNTAX', `dockerfile line greater than max allowed size of ${LONGEST_LINE}`, {
        start,
        end: start,
      })
    }
    return line
  }

  /** An empty comment line parts the comments above it from what follows. */
  #comment(line: PhysicalLine): void {
    const comment = trim(trimStart(line.text).slice(1))
    if (comment === '') this.#comments = []
    else this.#comments.push(comment)
  }

  #instruction(first: PhysicalLine): void {
    const joined = this.#join(first)
    const bare = trim(joined.text)
    if (bare === '') return
    const start = joined.text.indexOf(bare)
    const node = nodeFrom({ text: bare, start, end: start + bare.length }, joined, this.#escape)
    const heredocs = takesHeredocs(node) ? this.#heredocs(joined, first) : []
    const last = this.#lines[this.#next - 1]!
    const offset = first.offset + (first.text.length - trimStart(first.text).length)
    this.nodes.push({
      ...node,
      heredocs,
      comments: this.#comments,
      startLine: first.number,
      endLine: last.number,
      raw: this.#text.slice(offset, last.offset + last.text.length),
    })
    this.#comments = []
  }

  /** Joins an instruction with the lines that continue it; comments and empty lines among them are dropped. */
  #join(first: PhysicalLine): JoinedLine {
    const joiner = new LineJoiner()
    const indent = first.text.length - trimStart(first.text).length
    let open = this.#add(joiner, first, indent)
    let isEmpty = false
    while (open) {
      const line = this.#take()
      if (line === undefined) break
      if (isComment(line)) continue
      if (trim(line.text) === '') isEmpty = true
      else open = this.#add(joiner, line, 0)
    }
    const joined = joiner.join()
    if (isEmpty) this.#warnEmpty(joined.text)
    return joined
  }

  /** Adds a line without its continuation character; true if it has one. */
  #add(joiner: LineJoiner, line: PhysicalLine, from: number): boolean {
    const text = line.text.slice(from)
    const match = this.#continued.exec(text)
    const kept = match === null ? text : text.slice(0, text.length - match[1]!.length)
    joiner.add(kept, line.number, from + 1)
    return match !== null
  }

  /** At the line that ends the instruction, where BuildKit says it. */
  #warnEmpty(joined: string): void {
    const position = { line: this.#lines[this.#next - 1]!.number, column: 1 }
    this.warnings.push({
      kind: 'empty-continuation',
      message: `Empty continuation line found in: ${joined}`,
      hint: 'Empty continuation lines will become errors in a future release',
      range: { start: position, end: position },
    })
  }

  #heredocs(joined: JoinedLine, first: PhysicalLine): readonly Heredoc[] {
    return announced(joined).map(start => {
      let content = ''
      for (let line = this.#take(); line !== undefined; line = this.#take()) {
        const end = start.chomp ? line.text.replace(/^\t+/, '') : line.text
        if (end === start.name) return { ...start, content }
        content += line.text + line.ending
      }
      throw unterminated(joined, first, start)
    })
  }
}

function announced(line: JoinedLine): readonly HeredocStart[] {
  try {
    return heredocsOfLine(line.text)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const at = line.text.indexOf('<<')
    throw new Failure('DOCKERFILE_HEREDOC', error.message, line.range(at, line.text.length))
  }
}

function unterminated(line: JoinedLine, first: PhysicalLine, { name }: HeredocStart): Failure {
  const at = line.text.indexOf('<<')
  const hint = `end it with a line that is just ${name}; it began on line ${first.number}`
  return new Failure('DOCKERFILE_HEREDOC', 'unterminated heredoc', line.range(at, line.text.length), hint)
}

/** Cuts a Dockerfile (without byte order mark) into nodes; throws a {@link Failure} on what cannot be cut. */
export function parseNodes(text: string): ParsedNodes {
  const lines = physicalLines(text)
  const directives = readDirectives(lines)
  const escapeChar = escapeOf(directives)
  const reader = new NodeReader(text, lines, directives.length, escapeChar)
  reader.readAll()
  if (reader.nodes.length === 0) {
    const last = { line: Math.max(1, lines.length), column: 1 }
    const hint = 'begin with FROM'
    throw new Failure('DOCKERFILE_EMPTY', 'file with no instructions', { start: last, end: last }, hint)
  }
  return { directives, escape: escapeChar, nodes: reader.nodes, warnings: reader.warnings }
}
