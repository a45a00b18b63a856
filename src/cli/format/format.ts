import { renderTable } from './table.ts'
import { executeTemplate } from './template/execute.ts'
import { FUNCTION_NAMES } from './template/functions.ts'
import { parseTemplate, type Template } from './template/parse.ts'
import { goJson, record, sortedKeys, type Value } from './template/value.ts'

/** A listing's columns: each field's heading, and the table that is shown without `--format`. */
export interface Listing {
  /** How Go errors call a row. */
  readonly type: string
  readonly headings: Readonly<Record<string, string | ((argument: string) => string)>>
}

/** `json`, a Go template, or with `table ` before it one whose tabs become columns under headings. Ends in a newline. */
export function formatRows(
  format: string,
  listing: Listing,
  rows: readonly Readonly<Record<string, unknown>>[],
): string {
  const isTable = /^table(?:\s|$)/.test(format)
  const body = isTable ? format.slice('table'.length).trim() : format
  const template = parseFormat(body === 'json' && !isTable ? '{{json .}}' : withTabs(body))
  const lines = rows.map(row => executeTemplate(template, record(listing.type, sorted(row))))
  const heading = executeTemplate(template, record(listing.type, listing.headings))
  if (!isTable) return lines.map(line => `${line}\n`).join('')
  return renderTable([heading, ...lines].map(line => line.split('\t')))
}

/** One value through a format, with a newline after it. */
export function formatOne(format: string, value: Value): string {
  return `${format === 'json' ? goJson(value) : executeTemplate(parseFormat(withTabs(format)), value)}\n`
}

/** Throws `INVALID_TEMPLATE`. */
export function parseFormat(format: string): Template {
  return parseTemplate(format, FUNCTION_NAMES)
}

/** The shell gives us `\t` as two characters; docker takes them as one. */
function withTabs(format: string): string {
  return format.replaceAll('\\t', '\t').replaceAll('\\n', '\n')
}

function sorted(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const keys = Object.keys(row)
  if (keys.every((key, at) => at === 0 || (keys[at - 1] as string) < key)) return row
  const properties = Object.getOwnPropertyDescriptors(row)
  const inOrder = sortedKeys(row).map(key => [key, properties[key] as PropertyDescriptor])
  return Object.defineProperties({}, Object.fromEntries(inOrder))
}
