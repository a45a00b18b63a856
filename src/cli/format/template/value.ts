/**
 * What a template sees. Plain objects are Go maps (a missing key prints `<no value>`), objects made by {@link record}
 * are Go structs (a missing field is an error), arrays are slices, null is nil.
 */
export type Value = unknown

/** The Go types of structs. */
const types = new WeakMap<object, string>()

/**
 * A struct of the Go type `type`. Fields of `absent` can be asked for, but are not written as JSON: what Go has for
 * fields with `omitempty`.
 */
export function record<T extends object>(type: string, fields: T, absent: Readonly<Record<string, unknown>> = {}): T {
  if (Object.keys(absent).length === 0) return typed(type, fields)
  // Getters stay getters: what no template asks for is not computed.
  const struct = Object.defineProperties({} as T, Object.getOwnPropertyDescriptors(fields))
  for (const [name, value] of Object.entries(absent)) {
    if (!(name in struct)) Object.defineProperty(struct, name, { value, enumerable: false })
  }
  return typed(type, struct)
}

function typed<T extends object>(type: string, struct: T): T {
  types.set(struct, type)
  return struct
}

export function isObject(value: Value): value is Readonly<Record<string, Value>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The struct's type; undefined for everything else. */
export function structType(value: Value): string | undefined {
  return isObject(value) ? types.get(value) : undefined
}

/** How Go names the type of a value. */
export function typeName(value: Value): string {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  if (Array.isArray(value)) return value.every(item => typeof item === 'string') ? '[]string' : '[]interface {}'
  return structType(value) ?? (isObject(value) ? 'map[string]interface {}' : '<nil>')
}

/** Go's truth: what `{{if}}` asks. */
export function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (isObject(value)) return structType(value) !== undefined || Object.keys(value).length > 0
  return Boolean(value)
}

/** A map's keys in Go's order. */
export function sortedKeys(map: object): readonly string[] {
  return Object.keys(map).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

/** A value as fmt prints it with %v. */
export function goString(value: Value): string {
  if (value === null || value === undefined) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(goString).join(' ')}]`
  if (structType(value) !== undefined)
    return `{${Object.values(value as object)
      .map(goString)
      .join(' ')}}`
  if (isObject(value))
    return `map[${sortedKeys(value)
      .map(key => `${key}:${goString(value[key])}`)
      .join(' ')}]`
  return typeof value === 'number' ? goNumber(value) : String(value)
}

/** %v of a number: integers plain, others with %g's exponent of at least two digits. */
export function goNumber(value: number): string {
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2')
}

/** JSON as Go writes it with escaping for HTML turned off: maps by key, structs as declared. */
export function goJson(value: Value, indent = ''): string {
  return JSON.stringify(ordered(value), undefined, indent) ?? 'null'
}

function ordered(value: Value): Value {
  if (Array.isArray(value)) return value.map(ordered)
  if (!isObject(value)) return value
  const keys = structType(value) === undefined ? sortedKeys(value) : Object.keys(value)
  return Object.fromEntries(keys.map(key => [key, ordered(value[key])]))
}
