import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of public test cases beside the checkout; tests over it are left out, saying so, where it is absent. */
const CORPUS = join(import.meta.dirname, '../../../shared/corpus')

/** The option for `test` that leaves a suite out when there is no corpus. */
export const withCorpus = { skip: existsSync(CORPUS) ? false : 'no corpus beside the checkout' }

export function corpusPath(path: string): string {
  return join(CORPUS, path)
}

export function corpusText(path: string): string {
  return readFileSync(corpusPath(path), 'utf8')
}

/** A JSON file of the corpus, whose README says what shape it has. */
export function corpusJson<T>(path: string): T {
  return JSON.parse(corpusText(path)) as T
}

/** Go's `strconv.Quote`, as the golden dumps have it. */
export function goQuote(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '"': '\\"',
    '\\': '\\\\',
    '\b': '\\b',
    '\f': '\\f',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\v': '\\v',
  }
  const quoted = text.replace(
    /["\\\p{Cc}]/gu,
    char => named[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  return `"${quoted}"`
}
