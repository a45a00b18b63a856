import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { IgnoreMatcher, parseIgnoreFile } from '../../dockerfile/ignore.ts'
import { isErrno } from '../../error.ts'
import type { ContextFacts } from './facts.ts'

/** Entries that are looked at in each folder: a context may have a million. */
const MOST = 2000

/** Facts about a folder as the context of a Dockerfile, by whose own ignore file it goes, else by that of the folder. */
export function contextFacts(folder: string, dockerfile: string): ContextFacts {
  const ignore = [`${dockerfile}.dockerignore`, join(folder, '.dockerignore')].find(path => existsSync(path))
  const matcher = ignore && new IgnoreMatcher(parseIgnoreFile(readFileSync(ignore, 'utf8')))
  let files: readonly string[] | undefined
  return {
    has: path => lstatSync(join(folder, path), { throwIfNoEntry: false }) !== undefined,
    isExcluded: path => (matcher ? matcher.excludes(path) : false),
    get files() {
      files ??= [...listed(folder, '', 1)]
      return files
    },
  }
}

function* listed(folder: string, prefix: string, deeper: number): Iterable<string> {
  for (const entry of entriesOf(join(folder, prefix)).slice(0, MOST)) {
    const path = prefix + entry.name
    if (!entry.isDirectory()) yield path
    else if (deeper > 0 && entry.name !== '.git' && entry.name !== 'node_modules')
      yield* listed(folder, `${path}/`, deeper - 1)
  }
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if (isErrno(error)) return []
    throw error
  }
}
