import { templateError } from './failure.ts'

export type TokenKind = 'field' | 'variable' | 'word' | 'number' | 'string' | 'char' | 'symbol' | 'space'

/** A token of an action. `text` is as written; of a string or char literal `value` is what it means. */
export interface Token {
  readonly kind: TokenKind
  readonly text: string
  readonly value?: string
  readonly offset: number
}

/** A template cut into literal text and actions (`{{…}}`), comments dropped and trim markers applied. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly offset: number }

/** Source: Go 1.24 text/template, "Text and spaces" and "Actions". */
export function lexTemplate(source: string): readonly Piece[] {
  const pieces: Piece[] = []
  let at = 0
  let trimNext = false
  const pushText = (raw: string, trimEnd: boolean) => {
    const left = trimNext ? raw.replace(/^[ \t\r\n]+/, '') : raw
    const text = trimEnd ? withoutSpaceAtEnd(left) : left
    if (text !== '') pieces.push({ kind: 'text', text })
  }
  for (;;) {
    const open = source.indexOf('{{', at)
    if (open < 0) {
      pushText(source.slice(at), false)
      return pieces
    }
    const trims = /^-[ \t\r\n]/.test(source.slice(open + 2, open + 4))
    pushText(source.slice(at, open), trims)
    const start = open + (trims ? 3 : 2)
    const comment = /^[ \t\r\n]*\/\*/.test(source.slice(start, start + 80)) ? commentEnd(source, start) : undefined
    const end = comment ?? actionEnd(source, open, start)
    if (comment === undefined) pieces.push({ kind: 'action', tokens: end.tokens, offset: open })
    trimNext = end.trims
    at = end.at
  }
}

/** A loop, for a regular expression would look from each of many spaces on whether the end comes. */
function withoutSpaceAtEnd(text: string): string {
  let end = text.length
  while (end > 0 && ' \t\r\n'.includes(text[end - 1] as string)) end--
  return text.slice(0, end)
}

interface ActionEnd {
  readonly at: number
  readonly trims: boolean
  readonly tokens: readonly Token[]
}

function commentEnd(source: string, start: number): ActionEnd {
  const close = source.indexOf('*/', start)
  if (close < 0) throw templateError(source, start, 'unclosed comment')
  const after = source.slice(close + 2)
  const [ending] = /^(?:[ \t\r\n]-)?\}\}/.exec(after) ?? []
  if (ending === undefined) throw templateError(source, close, 'comment ends before closing delimiter')
  return { at: close + 2 + ending.length, trims: ending.length > 2, tokens: [] }
}

const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ['space', /[ \t\r\n]+/y],
  ['string', /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ['char', /'(?:[^'\\\n]|\\.)+'/y],
  ['number', /[+-]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)/y],
  ['field', /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ['variable', /\$[\p{L}\p{N}_]*/uy],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['symbol', /:=|[().|,=]/y],
]

function actionEnd(source: string, open: number, start: number): ActionEnd {
  const tokens: Token[] = []
  let at = start
  for (;;) {
    if (at >= source.length) throw templateError(source, open, 'unclosed action')
    const [ending] = /^(?:[ \t\r\n]+-)?\}\}/.exec(source.slice(at, at + 200)) ?? []
    if (ending !== undefined) return { at: at + ending.length, trims: ending.length > 2, tokens }
    const token = nextToken(source, at)
    tokens.push(token)
    at += token.text.length
  }
}

function nextToken(source: string, at: number): Token {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at
    const text = pattern.exec(source)?.[0]
    if (text === undefined) continue
    return { kind, text, offset: at, ...literal(source, kind, text, at) }
  }
  const character = String.fromCodePoint(source.codePointAt(at) as number)
  if (character === '"') throw templateError(source, at, 'unterminated quoted string')
  if (character === '`') throw templateError(source, at, 'unterminated raw quoted string')
  if (character === "'") throw templateError(source, at, 'unterminated character constant')
  throw templateError(source, at, `unexpected ${JSON.stringify(character)} in command`)
}

function literal(source: string, kind: TokenKind, text: string, at: number): { readonly value?: string } {
  if (kind === 'string') return { value: text.startsWith('`') ? text.slice(1, -1) : unquote(source, text, at) }
  return kind === 'char' ? { value: unquote(source, text, at) } : {}
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** A Go string literal's meaning. Source: Go language specification, "String literals". */
function unquote(source: string, text: string, at: number): string {
  const escapes = /\\(?:([abfnrtv])|([\\'"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|.)/gs
  return text.slice(1, -1).replace(escapes, (all: string, ...groups: (string | undefined)[]) => {
    const [letter, self, x, u, wide, octal] = groups
    if (letter !== undefined) return ESCAPES[letter] as string
    if (self !== undefined) return self
    const hex = x ?? u ?? wide
    if (hex !== undefined) {
      const code = Number.parseInt(hex, 16)
      if (code > 0x10ffff) throw templateError(source, at, `escape ${all} is no character`)
      return String.fromCodePoint(code)
    }
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8))
    throw templateError(source, at, `invalid escape ${all} in ${text.slice(0, 200)}`)
  })
}
