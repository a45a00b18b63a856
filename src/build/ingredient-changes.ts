import type { Ingredient } from '../store/types.ts'

/** One difference between the ingredients of two keys. */
export interface IngredientChange {
  readonly name: string
  readonly before: string | undefined
  readonly after: string | undefined
  /** The file of the context whose digest the ingredient is. */
  readonly file?: string
}

/** What differs by name, in the order of the key; nothing when only the order differs. */
export function ingredientChanges(
  before: readonly Ingredient[],
  after: readonly Ingredient[],
): readonly IngredientChange[] {
  const old = byName(before)
  const now = byName(after)
  return [...new Set([...now.keys(), ...old.keys()])]
    .map(name => ({ name, before: old.get(name), after: now.get(name) }))
    .filter(change => change.before !== change.after)
    .flatMap(understood)
}

/** `env MODE changed from fast to slow`. */
export function changeLine({ name, before, after, file }: IngredientChange): string {
  const subject = file ?? name
  if (file !== undefined) {
    if (before === undefined) return `${subject} added`
    return after === undefined ? `${subject} removed` : `${subject} changed (content)`
  }
  if (before === undefined) return `${subject} is new: ${short(after ?? '')}`
  if (after === undefined) return `${subject} is gone, was ${short(before)}`
  const [from, to] = excerpts(before, after)
  return `${subject} changed from ${from} to ${to}`
}

export function showIngredient({ name, value }: Ingredient): string {
  return `${name} = ${short(value)}`
}

/** Some names occur twice, such as a host with two addresses. */
function byName(ingredients: readonly Ingredient[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const { name, value } of ingredients) {
    const first = values.get(name)
    values.set(name, first === undefined ? value : `${first}, ${value}`)
  }
  return values
}

/** Takes apart what a key holds in one value, so that a reason can name the part. */
function understood(change: IngredientChange): readonly IngredientChange[] {
  const { name, before, after } = change
  if (name.startsWith('archive ')) return [{ ...change, file: name.slice('archive '.length) }]
  if (before === undefined || after === undefined) return [change]
  if (name === 'command') return [commandChange(change, strings(before), strings(after))]
  if (name === 'arguments') return argumentChanges(fields(before), fields(after))
  return [change]
}

/** The shell comes from an instruction above when the command is the same. */
function commandChange(change: IngredientChange, old: readonly string[], now: readonly string[]): IngredientChange {
  const sameText = old.length > 1 && now.length > 1 && old.at(-1) === now.at(-1)
  if (sameText)
    return { ...change, name: 'shell', before: old.slice(0, -1).join(' '), after: now.slice(0, -1).join(' ') }
  const sameShell = old.slice(0, -1).join('\0') === now.slice(0, -1).join('\0')
  return sameShell ? { ...change, before: old.at(-1), after: now.at(-1) } : change
}

function argumentChanges(
  old: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): readonly IngredientChange[] {
  return Object.keys(now)
    .map(name => ({ name, before: word(old[name]), after: word(now[name]) }))
    .filter(({ before, after }) => before !== after)
}

function word(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

function strings(json: string): readonly string[] {
  return JSON.parse(json) as readonly string[]
}

function fields(json: string): Readonly<Record<string, unknown>> {
  return JSON.parse(json) as Readonly<Record<string, unknown>>
}

const LIMIT = 160
/** Of what both texts begin with, so much is shown before the place where they part. */
const LEAD = 30

/** Both texts, so shortened that where they differ is seen. */
function excerpts(before: string, after: string): readonly [string, string] {
  const longer = Math.max(before.length, after.length)
  if (longer <= LIMIT || isDigest(before)) return [short(before), short(after)]
  let same = 0
  while (same < before.length && before[same] === after[same]) same++
  const from = Math.max(0, same - LEAD)
  const cut = (text: string) => short(from === 0 ? text : `...${text.slice(from)}`)
  return [cut(before), cut(after)]
}

/** One line, and not a long one. */
export function short(value: string): string {
  if (value === '') return '""'
  const text = isDigest(value) ? value.slice(0, 19) : value.replaceAll('\n', '\\n')
  return text.length > LIMIT ? `${text.slice(0, LIMIT - 3)}...` : text
}

function isDigest(value: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(value)
}
