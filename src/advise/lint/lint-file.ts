import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { IgnoreMatcher, parseIgnoreFile } from '../../dockerfile/ignore.ts'
import type { CheckInput } from '../subject.ts'
import type { LintConfig } from './config.ts'
import { plainInput } from './input.ts'
import { type LintFinding, type LintOptions, lintFindings, readForLint } from './lint.ts'

/** A Dockerfile and what is said of it. */
export interface LintedFile {
  /** As reports call it. */
  readonly file: string
  readonly text: string
  readonly findings: readonly LintFinding[]
}

export interface LintFileOptions {
  readonly config: LintConfig
  /** The folder that COPY takes files from; undefined when nothing is known of it. */
  readonly context: string | undefined
  /** Ask ShellCheck as well, if it is installed. */
  readonly shellCheck: boolean
  readonly signal: AbortSignal
}

/** Applies every rule to a Dockerfile with what lies around it. Throws `CHECK_OPTION`, `SHELLCHECK`. */
export async function lintFile(file: string, text: string, options: LintFileOptions): Promise<LintedFile> {
  const { config, context, signal } = options
  const input = readForLint(text, file, config)
  const excludes = context === undefined ? () => false : excludesOf(file, context)
  const around: LintOptions['around'] = dockerfile => ({ ...plainInput(dockerfile), isExcluded: excludes })
  const scripts = options.shellCheck ? await shellCheckFindings(input, signal) : []
  return { file, text: input.subject.text, findings: lintFindings(input, { file, config, around }, scripts) }
}

async function shellCheckFindings(input: ReturnType<typeof readForLint>, signal: AbortSignal) {
  const { shellCheck, shellCheckJobs } = await import('./shellcheck.ts')
  return await shellCheck(shellCheckJobs(input.subject, input.escapeChar), signal)
}

/** By the Dockerfile's own ignore file, else by that of the context. */
function excludesOf(file: string, context: string): CheckInput['isExcluded'] {
  const path = [`${file}.dockerignore`, join(context, '.dockerignore')].find(one => existsSync(one))
  if (path === undefined) return () => false
  const matcher = new IgnoreMatcher(parseIgnoreFile(readFileSync(path, 'utf8')))
  return one => matcher.excludes(one)
}

/** The folder that a build of a Dockerfile usually has as its context. */
export function contextOf(file: string): string {
  return dirname(file)
}
