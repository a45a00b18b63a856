import { escapeHtml, escapeJs, escapeQuery } from './escape.ts'
import { CallError, MAX_TEXT } from './limits.ts'
import { sprintf } from './printf.ts'
import { goJson, goString, isObject, isTrue, structType, typeName, type Value } from './value.ts'

type TemplateFunction = (...args: readonly Value[]) => Value

function wantText(value: Value): string {
  if (typeof value === 'string') return value
  throw new CallError(`wrong type for value; expected string; got ${typeName(value)}`)
}

function wantInt(value: Value): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw new CallError(`wrong type for value; expected int; got ${typeName(value)}`)
}

function wantList(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value
  if (value === null || value === undefined) return []
  throw new CallError(`wrong type for value; expected []string; got ${typeName(value)}`)
}

function length(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  if (isObject(value) && structType(value) === undefined) return Object.keys(value).length
  throw new CallError(`len of type ${typeName(value)}`)
}

function index(value: Value, ...keys: readonly Value[]): Value {
  let item = value
  for (const key of keys) {
    if (isObject(item) && structType(item) === undefined) {
      item = Object.hasOwn(item, wantText(key)) ? item[wantText(key)] : ''
    } else if (Array.isArray(item) || typeof item === 'string') {
      const at = wantInt(key)
      const bytes: ArrayLike<Value> = typeof item === 'string' ? Buffer.from(item) : item
      if (at < 0 || at >= bytes.length) throw new CallError(`index out of range: ${at}`)
      item = bytes[at]
    } else if (item === null || item === undefined) throw new CallError('index of untyped nil')
    else throw new CallError(`can't index item of type ${typeName(item)}`)
  }
  return item
}

function slice(value: Value, from: Value = 0, to?: Value): Value {
  if (typeof value !== 'string' && !Array.isArray(value)) {
    throw new CallError(`can't slice item of type ${typeName(value)}`)
  }
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  const end = to === undefined ? bytes.length : wantInt(to)
  const start = wantInt(from)
  for (const at of [start, end]) if (at < 0 || at > bytes.length) throw new CallError(`index out of range: ${at}`)
  if (start > end) throw new CallError(`invalid slice index: ${start} > ${end}`)
  const part = bytes.slice(start, end)
  return Buffer.isBuffer(part) ? part.toString() : part
}

function comparable(a: Value, b: Value): void {
  if (a === null || b === null || a === undefined || b === undefined) return
  if (typeof a !== typeof b) throw new CallError('incompatible types for comparison')
  if (typeof a === 'object') throw new CallError('invalid type for comparison')
}

function equal(a: Value, ...others: readonly Value[]): boolean {
  if (others.length === 0) throw new CallError('missing argument for comparison')
  return others.some(b => {
    comparable(a, b)
    return (a ?? null) === (b ?? null)
  })
}

function less(a: Value, b: Value): boolean {
  comparable(a, b)
  if (typeof a === 'string' && typeof b === 'string') return a < b
  if (typeof a === 'number' && typeof b === 'number') return a < b
  throw new CallError('invalid type for comparison')
}

/** Spaces between two operands when neither is a string, as fmt.Sprint has it. */
function print(...args: readonly Value[]): string {
  return args
    .map((value, at) => {
      const gap = at > 0 && typeof value !== 'string' && typeof args[at - 1] !== 'string' ? ' ' : ''
      return gap + goString(value)
    })
    .join('')
}

/** A single text as it is; anything else as `print` has it. */
function plain(args: readonly Value[]): string {
  const [only] = args
  return args.length === 1 && typeof only === 'string' ? only : print(...args)
}

function spaces(count: Value): string {
  const wanted = wantInt(count)
  if (wanted < 0 || wanted > MAX_TEXT) throw new CallError(`cannot repeat a space ${wanted} times`)
  return ' '.repeat(wanted)
}

function pad(value: Value, before: Value, after: Value): string {
  const text = wantText(value)
  return text === '' ? '' : spaces(before) + text + spaces(after)
}

/** Docker's functions for templates and those of Go's text/template that need no lazy arguments. */
export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  json: value => goJson(value),
  split: (value, separator) => wantText(value).split(wantText(separator)),
  join: (items, separator) => wantList(items).map(wantText).join(wantText(separator)),
  title: value => wantText(value).replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, all => all.toUpperCase()),
  lower: value => wantText(value).toLowerCase(),
  upper: value => wantText(value).toUpperCase(),
  pad: (value, before, after) => pad(value, before, after),
  truncate: (value, size) => wantText(value).slice(0, wantInt(size)),
  print,
  println: (...args) => `${args.map(goString).join(' ')}\n`,
  printf: (format, ...args) => sprintf(wantText(format), args),
  html: (...args) => escapeHtml(plain(args)),
  js: (...args) => escapeJs(plain(args)),
  urlquery: (...args) => escapeQuery(plain(args)),
  len: value => length(value),
  index,
  slice,
  not: value => !isTrue(value),
  eq: equal,
  ne: (a, b) => !equal(a, b),
  lt: (a, b) => less(a, b),
  le: (a, b) => !less(b, a),
  gt: (a, b) => less(b, a),
  ge: (a, b) => !less(a, b),
}

/** Fewest and most arguments; a function that is not listed takes any number from one on. */
export const ARITY: Readonly<Record<string, readonly [number, number]>> = {
  json: [1, 1],
  split: [2, 2],
  join: [2, 2],
  title: [1, 1],
  lower: [1, 1],
  upper: [1, 1],
  pad: [3, 3],
  truncate: [2, 2],
  print: [0, 99],
  println: [0, 99],
  len: [1, 1],
  slice: [1, 3],
  not: [1, 1],
  ne: [2, 2],
  lt: [2, 2],
  le: [2, 2],
  gt: [2, 2],
  ge: [2, 2],
}

/** `and` and `or` stop at the first argument that decides; the evaluator knows them. */
export const FUNCTION_NAMES: ReadonlySet<string> = new Set([...Object.keys(FUNCTIONS), 'and', 'or'])
