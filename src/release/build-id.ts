import { parseReference } from '../oci/reference.ts'
import type { LocalStore } from '../store/open.ts'
import { namesEver } from '../store/tags.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where CI systems tell the number of a build, which grows with each. */
const NUMBERS = [
  'GITHUB_RUN_NUMBER',
  'CI_PIPELINE_IID',
  'BUILDKITE_BUILD_NUMBER',
  'CIRCLE_BUILD_NUM',
  'BITBUCKET_BUILD_NUMBER',
  'DRONE_BUILD_NUMBER',
  'TRAVIS_BUILD_NUMBER',
  'BUILD_NUMBER',
] as const

/** `20260130`: the day of a moment, UTC. */
export function dayOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10).replaceAll('-', '')
}

/** `20260130.7` with the number of the CI system's build, undefined outside of CI. */
export function ciBuildId(env: Environment, day: string): string | undefined {
  // Azure Pipelines numbers its builds in this form itself.
  const azure = env.BUILD_BUILDNUMBER
  if (azure !== undefined && /^\d{8}\.\d{1,9}$/.test(azure)) return azure
  const number = NUMBERS.map(name => env[name]).find(value => /^\d{1,12}$/.test(value ?? ''))
  return number === undefined ? undefined : `${day}.${number}`
}

/**
 * `20260130.2` when the repositories had `….1` that day, in the store's present and past. The last number again when its
 * image is of the same commit: building that once more is no other build.
 */
export function countedBuildId(
  store: LocalStore,
  repositories: readonly string[],
  day: string,
  revision: string | undefined,
): string {
  const built = repositories
    .flatMap(repository => namesEver(store.database, repository))
    .flatMap(name => {
      const [, number] = new RegExp(`(?:^|[^\\d])${day}\\.(\\d{1,9})(?!\\d)`).exec(parseReference(name).tag ?? '') ?? []
      return number === undefined ? [] : [{ name, number: Number(number) }]
    })
  const last = Math.max(0, ...built.map(({ number }) => number))
  const same = built.some(({ name, number }) => number === last && revisionOf(store, name) === revision)
  return `${day}.${same && revision !== undefined ? last : last + 1}`
}

function revisionOf(store: LocalStore, name: string): string | undefined {
  const digest = store.images.getTag(name)?.digest
  const image = digest === undefined ? undefined : store.images.get(digest)
  return image?.details?.labels['org.opencontainers.image.revision']
}
