import { Failure } from './failure.ts'
import { replace, trimPrefix, trimSuffix } from './shell-pattern.ts'
import { isSpace } from './space.ts'

/** The value of a variable, or undefined when it is not set. */
export type Lookup = (name: string) => string | undefined

export interface LexOptions {
  /** The Dockerfile's escape character; `\` unless its `escape` directive says otherwise. */
  readonly escape?: string | undefined
  /** Keep the quotes in the result. */
  readonly rawQuotes?: boolean | undefined
  /** Keep the escape characters in the result. */
  readonly rawEscapes?: boolean | undefined
  /** Take `'` and `"` for ordinary characters, as in the body of a here-document. */
  readonly skipQuotes?: boolean | undefined
  /** Leave references to variables that are not set as they are written. */
  readonly skipUnset?: boolean | undefined
}

export interface Expansion {
  /** The whole text expanded, with unquoted spaces kept. */
  readonly value: string
  /** The text split on unquoted white space, also such as came out of an unquoted variable. */
  readonly words: readonly string[]
  /** Names that were looked up and set. */
  readonly matched: ReadonlySet<string>
  /** Names that were looked up and not set. */
  readonly unmatched: ReadonlySet<string>
}

/** How deep `${a:-${b:-…}}` may nest: far beyond any use, and short of what the call stack bears. */
const DEEPEST = 200

/**
 * A word may expand to this many characters and twice its own length. Each `ARG a=$a$a` doubles it: sixty of them would
 * fill any memory, while the kernel takes no variable of more than 128 KiB.
 */
const LARGEST = 1024 * 1024

const SPECIAL_PARAMETER = /^[@*#?\-$!0]$/
const DIGITS = /\p{Nd}+/uy
const NAME = /[\p{L}\p{Nd}_]+/uy

/** Splits text into words while it is being expanded. */
class WordList {
  readonly #words: string[] = []
  #word = ''

  /** White space ends a word. */
  split(text: string): void {
    for (const char of text) {
      if (!isSpace(char)) this.#word += char
      else this.#flush()
    }
  }

  /** White space is part of the word. */
  keep(text: string): void {
    this.#word += text
  }

  #flush(): void {
    if (this.#word !== '') this.#words.push(this.#word)
    this.#word = ''
  }

  end(): readonly string[] {
    this.#flush()
    return this.#words
  }
}

class Lexer {
  readonly matched = new Set<string>()
  readonly unmatched = new Set<string>()
  readonly #text: string
  readonly #lookup: Lookup
  readonly #options: LexOptions
  readonly #escape: string
  #at = 0
  #depth = 0

  constructor(text: string, lookup: Lookup, options: LexOptions) {
    this.#text = text
    this.#lookup = lookup
    this.#options = options
    this.#escape = options.escape ?? '\\'
  }

  /** Expands up to `stop` (which is consumed) or, without one, to the end. */
  until(stop: string | undefined, rawEscapes: boolean): { value: string; words: readonly string[] } {
    const words = new WordList()
    let value = ''
    while (this.#at < this.#text.length) {
      const char = this.#peek()
      if (char === stop) {
        this.#at++
        return { value, words: words.end() }
      }
      const special = this.#special(char, rawEscapes)
      if (special !== undefined) {
        value += special
        this.#checkLength(value)
        if (char === '$') words.split(special)
        else words.keep(special)
        continue
      }
      this.#at += char.length
      if (char !== this.#escape) {
        words.split(char)
        value += char
        continue
      }
      const escaped = this.#peek()
      this.#at += escaped.length
      const kept = rawEscapes ? char + escaped : escaped
      words.keep(kept)
      value += kept
    }
    if (stop !== undefined) fail(`unexpected end of statement while looking for matching ${stop}`)
    return { value, words: words.end() }
  }

  #checkLength(value: string): void {
    if (value.length > LARGEST + 2 * this.#text.length) fail(`it expands to more than ${LARGEST} characters`)
  }

  /** The character here (a whole code point), `''` at the end. */
  #peek(): string {
    const code = this.#text.codePointAt(this.#at)
    return code === undefined ? '' : String.fromCodePoint(code)
  }

  #special(char: string, rawEscapes: boolean): string | undefined {
    if (char === '$') return this.#dollar(rawEscapes)
    if (char === '<') return this.#lessThan()
    if (this.#options.skipQuotes) return undefined
    if (char === "'") return this.#singleQuotes()
    return char === '"' ? this.#doubleQuotes(rawEscapes) : undefined
  }

  /** `<<` of a here-document takes the blanks after it into its word. */
  #lessThan(): string {
    const pattern = /<(?:<-?[ \t\r]*)?/y
    pattern.lastIndex = this.#at
    const [found] = pattern.exec(this.#text)!
    this.#at += found.length
    return found
  }

  #singleQuotes(): string {
    const end = this.#text.indexOf("'", this.#at + 1)
    if (end === -1) fail('unexpected end of statement while looking for matching single-quote')
    const quoted = this.#text.slice(this.#at, end + 1)
    this.#at = end + 1
    return this.#options.rawQuotes ? quoted : quoted.slice(1, -1)
  }

  #doubleQuotes(rawEscapes: boolean): string {
    const quote = this.#options.rawQuotes ? '"' : ''
    let value = quote
    this.#at++
    while (this.#at < this.#text.length) {
      const char = this.#peek()
      if (char === '$') {
        value += this.#dollar(rawEscapes)
        this.#checkLength(value)
        continue
      }
      this.#at += char.length
      if (char === '"') return value + quote
      if (char !== this.#escape) {
        value += char
        continue
      }
      if (rawEscapes) value += char
      const next = this.#peek()
      const escapable = next === '"' || next === '$' || next === this.#escape
      if (escapable) {
        this.#at++
        value += next
      } else if (next !== '') value += char
    }
    return fail('unexpected end of statement while looking for matching double-quote')
  }

  #dollar(rawEscapes: boolean): string {
    this.#at++
    if (this.#peek() === '{') return this.#braces(rawEscapes)
    const name = this.#name()
    if (name === '') return '$'
    return this.#value(name) ?? (this.#options.skipUnset ? `$${name}` : '')
  }

  #braces(rawEscapes: boolean): string {
    this.#at++
    const first = this.#peek()
    if (first === '') fail("syntax error: missing '}'")
    if (first === '{' || first === '}' || first === ':') fail('syntax error: bad substitution')
    const name = this.#name()
    const modifier = this.#peek()
    if (modifier === '') fail("syntax error: missing '}'")
    this.#at += modifier.length
    if (modifier === '}') return this.#value(name) ?? (this.#options.skipUnset ? `\${${name}}` : '')
    if (modifier === '/') return this.#replacement(name)
    if (modifier !== ':') return this.#modified(name, modifier, modifier, rawEscapes)
    const operator = this.#peek()
    this.#at += operator.length
    return this.#modified(name, operator, `:${operator}`, rawEscapes)
  }

  /** `${name:-word}` and its kind; `written` is the operator with its colon. */
  #modified(name: string, operator: string, written: string, rawEscapes: boolean): string {
    if (!/^[+\-?#%]$/.test(operator) && !written.startsWith(':')) unsupported(written)
    const trims = operator === '#' || operator === '%'
    const word = this.#inBraces('}', trims || (rawEscapes && this.#options.rawEscapes === true))
    const value = this.#value(name)
    if (value === undefined && this.#options.skipUnset) return `\${${name}${written}${word}}`
    const given = value !== undefined && !(written.startsWith(':') && value === '')
    if (operator === '-') return given ? value : word
    if (operator === '+') return given ? word : ''
    if (operator === '?') return given ? value : fail(`${name}: ${word || missing(value)}`)
    if (!trims || written.startsWith(':')) return unsupported(written)
    const greedy = word.startsWith(operator)
    const pattern = greedy ? word.slice(1) : word
    return (operator === '#' ? trimPrefix : trimSuffix)(pattern, value ?? '', greedy)
  }

  /** `${name/pattern/replacement}`, with a second slash in front for all. */
  #replacement(name: string): string {
    const all = this.#peek() === '/'
    if (all) this.#at++
    const pattern = this.#inBraces('/', true)
    const replacement = this.#inBraces('}', true)
    const value = this.#value(name)
    if (value === undefined && this.#options.skipUnset) {
      return `\${${name}${all ? '//' : '/'}${pattern}/${replacement}}`
    }
    return replace(pattern, value ?? '', replacement, all)
  }

  #inBraces(stop: string, rawEscapes: boolean): string {
    if (this.#depth >= DEEPEST) fail(`more than ${DEEPEST} nested substitutions`)
    try {
      this.#depth++
      const { value } = this.until(stop, rawEscapes)
      this.#depth--
      return value
    } catch (error) {
      if (this.#at < this.#text.length || !(error instanceof Failure)) throw error
      return fail(stop === '/' ? `syntax error: missing '/' in \${}` : "syntax error: missing '}'")
    }
  }

  /** Reads a variable's name: a number, one of the shell's special parameters, or letters, digits and `_`. */
  #name(): string {
    if (SPECIAL_PARAMETER.test(this.#peek()) && this.#peek() !== '0') return this.#take(1)
    return this.#takeMatch(DIGITS) || this.#takeMatch(NAME)
  }

  #take(length: number): string {
    this.#at += length
    return this.#text.slice(this.#at - length, this.#at)
  }

  #takeMatch(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    return this.#take(pattern.exec(this.#text)?.[0].length ?? 0)
  }

  #value(name: string): string | undefined {
    const value = this.#lookup(name)
    const names = value === undefined ? this.unmatched : this.matched
    names.add(name)
    return value
  }
}

function missing(value: string | undefined): string {
  return `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`
}

function unsupported(modifier: string): never {
  return fail(`unsupported modifier (${modifier}) in substitution`)
}

function fail(message: string): never {
  throw new Failure('DOCKERFILE_EXPANSION', message)
}

/** Expands variables and removes quotes as BuildKit's shell lexer does; throws a {@link Failure} on bad input. */
export function lex(text: string, lookup: Lookup, options: LexOptions = {}): Expansion {
  const lexer = new Lexer(text, lookup, options)
  try {
    const { value, words } = lexer.until(undefined, options.rawEscapes === true)
    return { value, words, matched: lexer.matched, unmatched: lexer.unmatched }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text
    throw new Failure(error.code, `failed to process ${JSON.stringify(shown)}: ${error.message}`)
  }
}
