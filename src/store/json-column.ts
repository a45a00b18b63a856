import { isDigest } from '../oci/digest.ts'
import type { BuiltStep, Ingredient } from './types.ts'

/*
 * What columns of JSON hold; null when they do not. Without zod, whose start a listing need not wait for.
 */

/** Labels or annotations. */
export function readTexts(json: string): Readonly<Record<string, string>> | null {
  const value = parsed(json)
  return isObject(value) && Object.values(value).every(isText) ? (value as Readonly<Record<string, string>>) : null
}

export function readIngredients(json: string): readonly Ingredient[] | null {
  return listOf(json, ({ name, value }) => isText(name) && isText(value))
}

export function readSteps(json: string): readonly BuiltStep[] | null {
  return listOf(
    json,
    ({ stage, ordinal, title, key }) =>
      isText(stage) && Number.isSafeInteger(ordinal) && isText(title) && isText(key) && isDigest(key),
  )
}

function listOf<T>(json: string, isItem: (item: Readonly<Record<string, unknown>>) => boolean): readonly T[] | null {
  const value = parsed(json)
  return Array.isArray(value) && value.every(item => isObject(item) && isItem(item)) ? value : null
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
