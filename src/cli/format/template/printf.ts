import { checkLength } from './limits.ts'
import { goNumber, goString, typeName, type Value } from './value.ts'

const VERB = /%([-+# 0]*)(\d+|\*)?(?:\.(\d+|\*)?)?([a-zA-Z%])?/g

/** Go's fmt.Sprintf for the verbs that people use on text, numbers and lists. Source: Go 1.24 package fmt. */
export function sprintf(format: string, args: readonly Value[]): string {
  let next = 0
  const take = () => args[next++]
  let length = format.length
  const result = format.replace(
    VERB,
    (all: string, flags: string, width?: string, precision?: string, verb?: string) => {
      if (verb === '%') return '%'
      if (verb === undefined) return '%!(NOVERB)'
      const wide = width === '*' ? Number(take()) : Number(width ?? 0)
      const exact =
        precision === '*'
          ? Number(take())
          : precision === undefined
            ? all.includes('.')
              ? 0
              : undefined
            : Number(precision)
      if (!isSize(wide)) return '%!(BADWIDTH)'
      if (exact !== undefined && !isSize(exact)) return '%!(BADPREC)'
      if (next >= args.length) return `%!${verb}(MISSING)`
      const text = padded(verbText(verb, flags, exact, take()), wide, flags)
      length += text.length
      checkLength(length)
      return text
    },
  )
  if (next >= args.length) return result
  const extra = args.slice(next).map(value => `${typeName(value)}=${goString(value)}`)
  return `${result}%!(EXTRA ${extra.join(', ')})`
}

/** Go takes no width and no precision beyond a million. */
function isSize(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= 1_000_000
}

/** JavaScript writes at most a hundred digits behind the point. */
function digits(precision: number): number {
  return Math.min(100, Math.max(0, precision))
}

/** U+FFFD for what is no code point, as Go. */
function character(code: number): string {
  return String.fromCodePoint(code >= 0 && code <= 0x10ffff ? code : 0xfffd)
}

function padded(text: string, width: number, flags: string): string {
  if (flags.includes('-') || width < 0) return text.padEnd(Math.abs(width))
  if (!flags.includes('0') || !/^[+-]?[\d.]+/.test(text)) return text.padStart(width)
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  return sign + text.slice(sign.length).padStart(width - sign.length, '0')
}

function verbText(verb: string, flags: string, precision: number | undefined, value: Value): string {
  if (verb === 'v') return goString(value)
  if (verb === 'T') return typeName(value)
  if (Array.isArray(value)) return `[${value.map(item => verbText(verb, flags, precision, item)).join(' ')}]`
  const text =
    typeof value === 'number'
      ? numberText(verb, precision, value)
      : typeof value === 'string'
        ? stringText(verb, precision, value)
        : verb === 't' && typeof value === 'boolean'
          ? String(value)
          : undefined
  if (text === undefined) return `%!${verb}(${typeName(value)}=${goString(value)})`
  return flags.includes('+') && typeof value === 'number' && value >= 0 ? `+${text}` : text
}

function stringText(verb: string, precision: number | undefined, value: string): string | undefined {
  const cut = precision === undefined ? value : [...value].slice(0, precision).join('')
  if (verb === 's') return cut
  if (verb === 'q') return JSON.stringify(cut)
  if (verb === 'x') return Buffer.from(cut, 'utf8').toString('hex')
  return verb === 'X' ? Buffer.from(cut, 'utf8').toString('hex').toUpperCase() : undefined
}

function numberText(verb: string, precision: number | undefined, value: number): string | undefined {
  if (Number.isInteger(value)) {
    const radix = { d: 10, x: 16, X: 16, o: 8, b: 2 }[verb]
    if (radix !== undefined) return verb === 'X' ? value.toString(16).toUpperCase() : value.toString(radix)
    if (verb === 'c') return character(value)
    if (verb === 'q') return `'${character(value)}'`
    if (verb === 'U') return `U+${value.toString(16).toUpperCase().padStart(4, '0')}`
    return undefined
  }
  if (verb === 'f' || verb === 'F') return value.toFixed(digits(precision ?? 6))
  if (verb === 'e') return value.toExponential(digits(precision ?? 6)).replace(/e([+-])(\d)$/, 'e$10$2')
  if (verb === 'g')
    return precision === undefined
      ? goNumber(value)
      : goNumber(Number(value.toPrecision(Math.max(1, digits(precision)))))
  return undefined
}
