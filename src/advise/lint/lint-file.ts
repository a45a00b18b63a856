import { dirname, resolve } from 'node:path'
import { contextSources } from '../facts/context-files.ts'
import { rootImage } from '../facts/root-image.ts'
import type { Finding } from '../rule.ts'
import type { LintConfig } from './config.ts'
import { contextFacts } from './context-facts.ts'
import type { BaseImage, ContextFacts, LintFacts } from './facts.ts'
import { plainInput } from './input.ts'
import { type LintFinding, type LintInput, type LintOptions, lintFindings, readForLint } from './lint.ts'

/** A Dockerfile and what is said of it. */
export interface LintedFile {
  /** As reports call it. */
  readonly file: string
  readonly text: string
  readonly findings: readonly LintFinding[]
}

export interface LintFileOptions {
  readonly config: LintConfig
  /** Folders of which one is the build context: the one that has the most of what COPY takes. */
  readonly contexts: readonly string[]
  /** What is known of a base image; undefined when that is nothing. */
  readonly base: (image: string) => Promise<BaseImage | undefined>
  /** Ask ShellCheck as well, if it is installed. */
  readonly shellCheck: boolean
  readonly signal: AbortSignal
}

/** Applies every rule to a Dockerfile with what lies around it. Throws `CHECK_OPTION`, `SHELLCHECK`. */
export async function lintFile(file: string, text: string, options: LintFileOptions): Promise<LintedFile> {
  const { config, signal } = options
  const input = readForLint(text, file, config)
  const context = likelyContext(input, file, options.contexts)
  const [scripts, base] = await Promise.all([
    options.shellCheck ? shellCheckFindings(input, signal) : [],
    basesOf(input, options.base),
  ])
  const facts: LintFacts = { context, base }
  const around: LintOptions['around'] = dockerfile => ({
    ...plainInput(dockerfile),
    base,
    isExcluded: path => context?.isExcluded(path) === true,
  })
  return { file, text: input.subject.text, findings: lintFindings(input, { file, config, around, facts }, scripts) }
}

async function shellCheckFindings(input: LintInput, signal: AbortSignal): Promise<readonly Finding[]> {
  const { shellCheck, shellCheckJobs } = await import('./shellcheck.ts')
  return await shellCheck(shellCheckJobs(input.subject, input.escapeChar), signal)
}

async function basesOf({ subject }: LintInput, look: LintFileOptions['base']): Promise<LintFacts['base']> {
  const names = new Set(subject.stages.flatMap(stage => rootImage(stage) ?? []))
  const found = await Promise.all([...names].map(async name => [name, await look(name)] as const))
  const known = new Map(found)
  return name => known.get(name)
}

function likelyContext({ subject }: LintInput, file: string, folders: readonly string[]): ContextFacts | undefined {
  const places = [...new Set(folders.map(folder => resolve(folder)))]
  const paths = subject.steps
    .flatMap(step => [...contextSources(step)].map(({ path }) => path))
    .filter(one => one !== '.')
  const rated = places.map(folder => {
    const facts = contextFacts(folder, file)
    return { facts, count: paths.filter(path => facts.has(path)).length }
  })
  const best = rated.reduce<(typeof rated)[number] | undefined>((a, b) => (a && a.count >= b.count ? a : b), undefined)
  // Nothing that is copied is in any of several folders: then the context is another one.
  return best?.count === 0 && places.length > 1 && paths.length > 0 ? undefined : best?.facts
}

/** The folders that a build of a Dockerfile usually has as its context. */
export function contextsOf(file: string): readonly string[] {
  return [dirname(file), '.']
}
