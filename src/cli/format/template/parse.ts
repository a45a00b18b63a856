import { templateError } from './failure.ts'
import { lexTemplate, type Piece, type Token } from './lex.ts'
import { DEEPEST } from './limits.ts'
import type { Call, Node, Operand, Pipe } from './nodes.ts'

/** A template that is ready to run. */
export interface Template {
  readonly source: string
  readonly nodes: readonly Node[]
}

/** Parses a Go template. Throws `INVALID_TEMPLATE` with the place. `functions` are the names that may be called. */
export function parseTemplate(source: string, functions: ReadonlySet<string>): Template {
  const parser = new BlockParser(source, functions)
  return { source, nodes: parser.parse() }
}

type Ending = { readonly kind: 'end' | 'else' | 'eof'; readonly tokens: readonly Token[]; readonly offset: number }

class BlockParser {
  readonly #source: string
  readonly #functions: ReadonlySet<string>
  readonly #pieces: readonly Piece[]
  #at = 0
  #loops = 0
  #depth = 0
  /** Variables in scope, innermost last. */
  readonly #variables: string[] = ['$']

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#source = source
    this.#functions = functions
    this.#pieces = lexTemplate(source)
  }

  parse(): readonly Node[] {
    const { nodes, ending } = this.#block()
    if (ending.kind !== 'eof') throw templateError(this.#source, ending.offset, `unexpected {{${ending.kind}}}`)
    return nodes
  }

  #block(): { readonly nodes: readonly Node[]; readonly ending: Ending } {
    const nodes: Node[] = []
    const scope = this.#variables.length
    const done = (ending: Ending) => {
      this.#variables.length = scope
      return { nodes, ending }
    }
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at++] as Piece
      if (piece.kind === 'text') {
        nodes.push(piece)
        continue
      }
      const tokens = trimSpace(piece.tokens)
      const [first] = tokens
      const rest = trimSpace(tokens.slice(1))
      if (first?.kind === 'word' && (first.text === 'end' || first.text === 'else')) {
        return done({ kind: first.text, tokens: rest, offset: piece.offset })
      }
      nodes.push(this.#action(first, tokens, rest, piece.offset))
    }
    return done({ kind: 'eof', tokens: [], offset: this.#source.length })
  }

  #action(first: Token | undefined, tokens: readonly Token[], rest: readonly Token[], offset: number): Node {
    const word = first?.kind === 'word' ? first.text : ''
    if (word === 'if' || word === 'with' || word === 'range') return this.#control(word, rest, offset)
    if (word === 'break' || word === 'continue') {
      if (this.#loops === 0) throw templateError(this.#source, offset, `{{${word}}} outside {{range}}`)
      return { kind: word }
    }
    if (word === 'define' || word === 'template' || word === 'block') {
      throw templateError(this.#source, offset, `{{${word}}} is not supported`)
    }
    return { kind: 'action', pipe: this.#pipe(tokens, offset, 'command') }
  }

  #control(kind: 'if' | 'with' | 'range', tokens: readonly Token[], offset: number): Node {
    const scope = this.#variables.length
    const pipe = this.#pipe(tokens, offset, kind)
    if (++this.#depth > DEEPEST) throw templateError(this.#source, offset, `more than ${DEEPEST} nested blocks`)
    if (kind === 'range') this.#loops++
    const { nodes: then, ending } = this.#block()
    if (kind === 'range') this.#loops--
    const otherwise = this.#otherwise(kind, ending, offset)
    this.#variables.length = scope
    this.#depth--
    return { kind, pipe, then, otherwise }
  }

  #otherwise(kind: 'if' | 'with' | 'range', ending: Ending, offset: number): readonly Node[] {
    if (ending.kind === 'end') return []
    if (ending.kind === 'eof') throw templateError(this.#source, offset, `unexpected EOF: {{${kind}}} has no {{end}}`)
    const [word] = ending.tokens
    if (word !== undefined) {
      // `{{else if X}}` is `{{else}}{{if X}}` that shares the one {{end}}.
      if (word.text !== kind || kind === 'range') {
        throw templateError(this.#source, word.offset, `unexpected ${JSON.stringify(word.text)} in else`)
      }
      return [this.#control(kind, trimSpace(ending.tokens.slice(1)), ending.offset)]
    }
    const { nodes, ending: last } = this.#block()
    if (last.kind !== 'end') throw templateError(this.#source, last.offset, `expected {{end}}; found {{${last.kind}}}`)
    return nodes
  }

  #pipe(tokens: readonly Token[], offset: number, where: string): Pipe {
    const parser = new PipeParser(this.#source, tokens, this.#functions, this.#variables)
    return parser.parse(offset, where)
  }
}

function trimSpace(tokens: readonly Token[]): readonly Token[] {
  return tokens[0]?.kind === 'space' ? tokens.slice(1) : tokens
}

class PipeParser {
  readonly #source: string
  readonly #tokens: readonly Token[]
  readonly #functions: ReadonlySet<string>
  readonly #variables: string[]
  #at = 0
  #depth = 0

  constructor(source: string, tokens: readonly Token[], functions: ReadonlySet<string>, variables: string[]) {
    this.#source = source
    this.#tokens = tokens
    this.#functions = functions
    this.#variables = variables
  }

  parse(offset: number, where: string): Pipe {
    const pipe = this.#pipe(offset, where)
    const extra = this.#tokens[this.#at]
    if (extra !== undefined) throw this.#unexpected(extra, where)
    return pipe
  }

  #pipe(offset: number, where: string): Pipe {
    const { names, assigns } = this.#declaration(where)
    const calls: Call[] = []
    for (;;) {
      calls.push(this.#call(offset, where))
      if (this.#tokens[this.#at]?.text !== '|') break
      this.#at++
    }
    if (!assigns) this.#variables.push(...names)
    return { variables: names, assigns, calls, offset }
  }

  /** `$x :=`, `$x =`, `$i, $e :=`; nothing is consumed when there is none. */
  #declaration(where: string): { readonly names: readonly string[]; readonly assigns: boolean } {
    const words: Token[] = []
    let at = this.#at
    for (; at < this.#tokens.length && words.length < 4; at++) {
      const token = this.#tokens[at] as Token
      if (token.kind === 'space') continue
      words.push(token)
      if (token.text === ':=' || token.text === '=') break
    }
    const operator = words.at(-1)?.text
    const names = words.filter(({ kind }) => kind === 'variable').map(({ text }) => text)
    const shape = words.map(({ kind, text }) => (kind === 'variable' ? '$' : text)).join('')
    const single = shape === '$:=' || shape === '$='
    if (!single && !(where === 'range' && (shape === '$,$:=' || shape === '$,$='))) return { names: [], assigns: false }
    this.#at = at + 1
    const assigns = operator === '='
    const unknown = assigns ? names.find(name => !this.#variables.includes(name)) : undefined
    if (unknown !== undefined)
      throw templateError(this.#source, words[0]?.offset ?? 0, `undefined variable "${unknown}"`)
    return { names, assigns }
  }

  #call(offset: number, where: string): Call {
    const operands: Operand[] = []
    for (;;) {
      while (this.#tokens[this.#at]?.kind === 'space') this.#at++
      const token = this.#tokens[this.#at]
      if (token === undefined || token.text === '|' || token.text === ')') break
      operands.push(this.#operand(token, where))
      const next = this.#tokens[this.#at]
      if (next !== undefined && next.kind !== 'space' && next.text !== '|' && next.text !== ')') {
        throw this.#unexpected(next, 'operand')
      }
    }
    const [first] = operands
    const last = operands.at(-1)
    if (first === undefined || last === undefined) {
      throw templateError(this.#source, this.#tokens[this.#at]?.offset ?? offset, `missing value for ${where}`)
    }
    if (first.kind === 'literal' && operands.length > 1) {
      throw templateError(this.#source, first.offset, `can't give argument to non-function ${first.text}`)
    }
    const text = this.#source.slice(first.offset, last.offset + last.text.length)
    return { operands, text, offset: first.offset }
  }

  #operand(token: Token, where: string): Operand {
    const base = this.#term(token, where)
    const fields = [...base.fields]
    while (this.#tokens[this.#at]?.kind === 'field') {
      const field = this.#tokens[this.#at] as Token
      if (base.kind === 'literal') throw this.#unexpected(field, 'operand')
      fields.push(field.text.slice(1))
      this.#at++
    }
    const end = this.#tokens[this.#at - 1] as Token
    return { ...base, fields, text: this.#source.slice(base.offset, end.offset + end.text.length) }
  }

  #term(token: Token, where: string): Operand {
    this.#at++
    const { offset, text } = token
    const common = { fields: [], text, offset }
    if (token.kind === 'field') return { kind: 'dot', ...common, fields: [text.slice(1)] }
    if (text === '.') return { kind: 'dot', ...common }
    if (token.kind === 'variable') {
      if (!this.#variables.includes(text)) throw templateError(this.#source, offset, `undefined variable "${text}"`)
      return { kind: 'variable', name: text, ...common }
    }
    if (token.kind === 'string') return { kind: 'literal', value: token.value ?? '', ...common }
    if (token.kind === 'char') return { kind: 'literal', value: token.value?.codePointAt(0) ?? 0, ...common }
    if (token.kind === 'number') return { kind: 'literal', value: numberOf(text), ...common }
    if (token.kind === 'word') return this.#word(token)
    if (text === '(') {
      if (++this.#depth > DEEPEST) throw templateError(this.#source, offset, `more than ${DEEPEST} nested parentheses`)
      const pipe = this.#pipe(offset, 'parenthesized pipeline')
      if (this.#tokens[this.#at]?.text !== ')') throw templateError(this.#source, offset, 'unclosed left paren')
      this.#at++
      this.#depth--
      return { kind: 'pipe', pipe, ...common }
    }
    throw this.#unexpected(token, where)
  }

  #word({ text, offset }: Token): Operand {
    const common = { fields: [], text, offset }
    if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true', ...common }
    if (text === 'nil') return { kind: 'literal', value: null, ...common }
    if (this.#functions.has(text)) return { kind: 'function', name: text, ...common }
    throw templateError(this.#source, offset, `function "${text}" not defined`)
  }

  #unexpected(token: Token, where: string): Error {
    return templateError(this.#source, token.offset, `unexpected ${JSON.stringify(token.text)} in ${where}`)
  }
}

function numberOf(text: string): number {
  const plain = text.replaceAll('_', '')
  return plain.startsWith('-') ? -Number(plain.slice(1)) : Number(plain.replace(/^\+/, ''))
}
