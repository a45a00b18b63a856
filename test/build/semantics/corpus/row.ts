/** Features that this version lacks or that are tested elsewhere: what a row of the corpus is about, if not this suite. */
export const FEATURES = {
  calls: '--call=targets and --call=outline, which describe a Dockerfile and build nothing',
  contexts: 'a folder of an archive as the context, which docker’s command line does not offer',
  grants: '--allow, which grants what is refused or not there by default',
  limits: 'build options of their own: --shm-size, --ulimit, a host name',
  named: '--build-context: which files of it a client sends to a daemon, and triggers that name one',
  outputs: '--output: the epoch that exporters other than the store are given',
  platforms: 'several platforms in one build, and Windows',
  remote: 'ADD of URLs and git repositories, which is where --checksum means something',
  transfer: 'import and export of the build cache: test/cli/build-cache.test.ts',
} as const

export type Feature = keyof typeof FEATURES

/** What becomes of one row of the corpus. A row may be held by cases here and have a half that belongs to a feature. */
export interface Row {
  /** Titles of cases in this suite; `…` stands for what a loop fills in. */
  readonly cases?: readonly string[]
  readonly feature?: Feature
  /** Why no case holds it although it is about what this suite tests. */
  readonly leftOut?: string
}

/** Rows by their test's name, by section. */
export type Section = Readonly<Record<string, Row>>

export function held(...cases: readonly string[]): Row {
  return { cases }
}

/** Held, but for a half that belongs to a feature. */
export function partly(feature: Feature, ...cases: readonly string[]): Row {
  return { cases, feature }
}

export function of(feature: Feature): Row {
  return { feature }
}
