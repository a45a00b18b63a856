import type { Tree } from '../support/fixture.ts'
import type { Bench, BenchOptions } from './bench.ts'

/** One thing changed between two builds, and everything that the second build says of it. */
export interface Mutation {
  readonly change: string
  /** What is built first; the common Dockerfile if absent. */
  readonly dockerfile?: string
  /** What the first build is given. */
  readonly options?: BenchOptions
  /** Further files of the context. */
  readonly files?: Tree
  /** Works in the context folder or the store; gives what else is different in the second build. */
  readonly mutate: (folder: string, at: Bench, dockerfile: string) => Promise<Change> | Change
  /** The steps that run, each with its reason as a user reads it: `RUN x <- kind: summary`. All others are cached. */
  readonly runs: readonly string[]
}

export type Change = { readonly dockerfile?: string; readonly options?: BenchOptions } | undefined

/** Two stages with every kind of step, each with something above that it does not depend on. */
export const DOCKERFILE = [
  'FROM base AS tools',
  'RUN echo tool > /tool',
  'FROM base AS web',
  'ARG VERSION=1',
  'ENV MODE=fast',
  'WORKDIR /app',
  'COPY src ./src',
  'RUN cat src/* > all || true',
  'COPY --from=tools /tool /tool',
  'COPY late /late',
  'RUN cat /tool /late > /both',
].join('\n')

export const FILES: Tree = {
  'src/a': 'A',
  'src/b': 'B',
  'src/sub/c': 'C',
  'src/link': { symlink: 'a' },
  'src/skipped.log': 'log',
  late: 'L',
  outside: 'O',
  '.dockerignore': '*.log\n**/*.log\n',
}

/** The Dockerfile with this text in place of that. */
export function edit(from: string, to: string): Mutation['mutate'] {
  return (_, __, dockerfile) => {
    if (!dockerfile.includes(from)) throw new Error(`the Dockerfile has no ${from}`)
    return { dockerfile: dockerfile.replace(from, () => to) }
  }
}

export function options(given: BenchOptions): Mutation['mutate'] {
  return () => ({ options: given })
}

export function inFolder(work: (folder: string) => Promise<unknown>): Mutation['mutate'] {
  return async folder => {
    await work(folder)
    return undefined
  }
}

/** The base image with these instructions on top, under its name. */
export function extendBase(...instructions: readonly string[]): Mutation['mutate'] {
  return async (_, at) => {
    await at.build(['FROM base', ...instructions].join('\n'), { tags: ['base'] })
    return undefined
  }
}

/** The base image under a second name. */
export async function alias(at: Bench, name: string): Promise<void> {
  await at.build('FROM base', { tags: [name] })
}

/** Removes the records of the steps that begin so. */
export function prune({ store }: Bench, begin: string): void {
  const records = store.cache.list().filter(({ title }) => title.startsWith(begin))
  store.cache.remove(records.map(({ key }) => key))
}
