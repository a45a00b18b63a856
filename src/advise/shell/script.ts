import { forEachChild, parse, type SyntaxNode } from 'unbash'
import { unwrapped } from './wrapper.ts'

/** A word of a command; offsets are of the text that was parsed. */
export interface ShellWord {
  /** Without quotes; variables and substitutions as written. */
  readonly value: string
  /** As written. */
  readonly text: string
  readonly start: number
  readonly end: number
}

/** One simple command, wherever in the script it stands: in a condition, a subshell, a substitution. */
export interface ShellCommand {
  /** The program's name without its folder; `''` when only variables are set. */
  readonly name: string
  readonly word: ShellWord | undefined
  readonly args: readonly ShellWord[]
  /** Variables that are set before the name. */
  readonly assigned: ReadonlyMap<string, string>
  /** Files that its output goes to. */
  readonly outputs: readonly string[]
  readonly start: number
  readonly end: number
  /** Started by another command of the list (`sudo`, `env`, `sh -c`). */
  readonly wrapped: boolean
  /** The places of its words are their own, not those of what they stand in. */
  readonly exact: boolean
}

export interface ShellScript {
  /** In the order of writing. */
  readonly commands: readonly ShellCommand[]
  /** Where pipelines of two and more commands begin. */
  readonly pipes: readonly { readonly start: number; readonly end: number }[]
  /** Names of functions that it defines. */
  readonly functions: ReadonlySet<string>
  /** Commands that the shell starts one after the other: those between `&&`, `||`, `;` and line ends. */
  readonly topLevel: number
  /** Where a further command can be appended with `&&`; undefined where it cannot. */
  readonly appendAt: number | undefined
}

/** Scripts that commands start (`sh -c`, `sudo`) are read this deep. */
const DEEPEST = 8
/** Parts of a script within others, substitutions among them; what is deeper is nothing that a person wrote. */
const MOST_NESTED = 120

/** Parses a POSIX or bash script; what is wrong in it is left to the shell, the rest is told. */
export function parseScript(text: string): ShellScript {
  const collector = new Collector()
  collector.read(text, undefined, 0)
  return collector
}

interface Place {
  readonly start: number
  readonly end: number
}

class Collector implements ShellScript {
  readonly commands: ShellCommand[] = []
  readonly pipes: Place[] = []
  readonly functions = new Set<string>()
  topLevel = 0
  appendAt: number | undefined

  /** `place` stands in for all offsets where those of the text say nothing of the whole. */
  read(text: string, place: Place | undefined, depth: number): void {
    const script = parse(text)
    if (depth === 0) {
      this.topLevel = script.commands.reduce((sum, { command }) => sum + parts(command), 0)
      const last = script.commands.at(-1)
      const isOpen = (script.errors?.length ?? 0) > 0 || last?.background === true || text.includes('<<')
      this.appendAt = isOpen ? undefined : last?.command.end
    }
    this.#visit(script, place, depth, 0)
  }

  #visit(node: SyntaxNode, place: Place | undefined, depth: number, nested: number): void {
    if (nested > MOST_NESTED) return
    if (node.type === 'Command') this.#command(node, place, depth)
    if (node.type === 'Pipeline' && node.commands.length > 1)
      this.pipes.push(place ?? { start: node.pos, end: node.end })
    if (node.type === 'Function') this.functions.add(node.name.value)
    // A script in escaped backticks counts from its own beginning.
    const own = node.type === 'Script' && node.source !== undefined
    const within = place ?? (own ? { start: node.pos, end: node.end } : undefined)
    forEachChild(node, child => this.#visit(child, within, depth, nested + 1))
  }

  #command(node: SyntaxNode & { type: 'Command' }, place: Place | undefined, depth: number): void {
    const wordOf = (one: { text: string; value?: unknown; pos: number; end: number }): ShellWord => ({
      text: one.text,
      value: typeof one.value === 'string' ? one.value : unquoted(one.text),
      start: place?.start ?? one.pos,
      end: place?.end ?? one.end,
    })
    const assigned = new Map<string, string>()
    for (const one of node.prefix) {
      if (one.type === 'Assignment') assigned.set(one.name, one.value.type === 'Word' ? one.value.value : '')
    }
    const word = node.name && wordOf(node.name)
    const command: ShellCommand = {
      name: baseName(word?.value ?? ''),
      word,
      args: node.args.map(wordOf),
      assigned,
      outputs: node.redirects.flatMap(one => {
        return one.type === 'Redirect' && one.operator.includes('>') && one.target ? [one.target.value] : []
      }),
      start: place?.start ?? node.pos,
      end: place?.end ?? node.end,
      wrapped: false,
      exact: place === undefined,
    }
    this.commands.push(command)
    this.#inner(command, depth)
  }

  #inner(command: ShellCommand, depth: number): void {
    const inner = depth < DEEPEST ? unwrapped(command) : undefined
    if (inner === undefined) return
    if (inner.kind === 'script') {
      this.read(inner.text, { start: command.start, end: command.end }, depth + 1)
      return
    }
    const [word, ...args] = inner.words
    if (word === undefined) return
    const assigned = new Map([...command.assigned, ...inner.assigned])
    const next = { ...command, name: baseName(word.value), word, args, assigned, start: word.start, wrapped: true }
    this.commands.push(next)
    this.#inner(next, depth + 1)
  }
}

/** Commands that `&&` and `||` join count each. */
function parts(node: SyntaxNode): number {
  return node.type === 'AndOr' ? node.commands.length : 1
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function unquoted(text: string): string {
  return text.replace(/["']/g, '')
}
