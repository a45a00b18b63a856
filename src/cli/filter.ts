import { nearest } from '../dockerfile/nearest.ts'
import { UsageError } from './usage-error.ts'

/** Filters by key, the values in the order given. */
export type Filters = ReadonlyMap<string, readonly string[]>

/** Reads `--filter key=value` words; only `keys` are known. Throws `USAGE` in docker's words. */
export function parseFilters(words: readonly string[], keys: readonly string[]): Filters {
  const filters = new Map<string, string[]>()
  for (const word of words) {
    const [, key, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/s.exec(word) ?? []
    if (key === undefined || value === undefined) {
      const message = `invalid argument ${JSON.stringify(word)} for "--filter" flag: invalid filter, expected key=value`
      throw new UsageError(message, `Filters: ${keys.join(', ')}`, 125)
    }
    if (!keys.includes(key)) {
      const near = nearest(key, keys)
      const mean = near === undefined ? '' : `Did you mean '${near}'?\n`
      throw new UsageError(`invalid filter '${key}'`, `${mean}Filters: ${keys.join(', ')}`, 1)
    }
    filters.set(key, [...(filters.get(key) ?? []), value])
  }
  return filters
}

/** `true`, `1`, `false`, `0`; undefined when the filter was not given. */
export function booleanFilter(filters: Filters, key: string): boolean | undefined {
  const value = filters.get(key)?.at(-1)
  if (value === undefined) return undefined
  if (/^(?:true|t|1)$/i.test(value)) return true
  if (/^(?:false|f|0)$/i.test(value)) return false
  throw new UsageError(`invalid filter '${key}=${value}'`, `Write ${key}=true or ${key}=false`, 1)
}

/** True when the labels have every `key` or `key=value` that is asked for. */
export function matchesLabels(labels: Readonly<Record<string, string>>, wanted: readonly string[]): boolean {
  return wanted.every(want => {
    const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(want) ?? []
    return Object.hasOwn(labels, key) && (value === undefined || labels[key] === value)
  })
}

/** A shell pattern as Go's path.Match has it: `*` and `?` stop at a slash. */
export function globToRegExp(pattern: string): RegExp {
  const part = /\\(.)|\[(\^?)((?:\\.|[^\]])+)\]|([*?])|(.)/gs
  const source = pattern.replace(
    part,
    (_, escaped?: string, not?: string, set?: string, wild?: string, one?: string) => {
      if (set !== undefined) return `[${not ?? ''}${set.replace(/[[\]^]/g, '\\$&')}]`
      if (wild !== undefined) return wild === '*' ? '[^/]*' : '[^/]'
      return (escaped ?? one ?? '').replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    },
  )
  return new RegExp(`^${source}$`, 's')
}
