import { isAbsolute, relative } from 'node:path'
import type { Digest } from '../oci/digest.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import { redactUrl } from '../remote/git-url.ts'
import type { BuildContext } from './build-context.ts'
import type { ContextPlace } from './context-place.ts'
import type { BuildOptions } from './options.ts'

/**
 * Everything that a build was told and that decides what comes out, for building the image again. Secrets are named, their
 * values are nowhere; proxies, which enter nothing, are left out, for their addresses hold passwords.
 */
export interface Recipe {
  /** As `BuildOptions.context`, without passwords; absent when it came from the standard input. */
  readonly context?: string | undefined
  /** The commit that the context was, when it was nothing else. */
  readonly commit?: string | undefined
  /** From the context, or absolute where it was outside. */
  readonly dockerfile?: string | undefined
  readonly dockerfileText?: string | undefined
  readonly contexts?: Readonly<Record<string, string>> | undefined
  readonly buildArgs?: Readonly<Record<string, string>> | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly describe?: boolean | undefined
  readonly target?: string | undefined
  readonly platforms: readonly string[]
  readonly network?: 'host' | 'none' | undefined
  readonly addHosts?: readonly string[] | undefined
  readonly allow?: BuildOptions['allow']
  /** IDs of the secrets and agents that the build was given. */
  readonly secrets?: readonly string[] | undefined
  readonly ssh?: readonly string[] | undefined
  readonly compression?: BuildOptions['compression']
  readonly compressionLevel?: number | undefined
  readonly sourceDateEpoch?: number | undefined
  readonly contextModes?: BuildOptions['contextModes']
  readonly reproducible?: boolean | undefined
  /** Complete names of the images that it was built from or copied from, and what they pointed at. */
  readonly images: Readonly<Record<string, Digest>>
}

const PROXY = /^(?:https?|ftp|no|all)_proxy$/i

/** The recipe of the image for these platforms. `images` are those that the build has used. */
export function recipeOf(
  { options, source }: Pick<BuildContext, 'options' | 'source'>,
  place: ContextPlace,
  platforms: readonly Platform[],
  images: ReadonlyMap<string, Digest>,
): Recipe {
  const { buildArgs = {}, contexts, secrets, ssh } = options
  const { describe, labels, target, network, addHosts, allow, compression, compressionLevel } = options
  const { sourceDateEpoch, contextModes, reproducible, dockerfileText } = options
  const isGiven = options.contextBytes === undefined
  const isCommit = place.commit?.changed.every(path => source.excludes(path))
  return {
    context: isGiven ? redactUrl(options.context) : undefined,
    commit: isGiven && isCommit ? place.commit?.commit : undefined,
    dockerfile: options.dockerfile && inContext(place, options.dockerfile),
    dockerfileText,
    contexts: contexts && mapValues(contexts, redactUrl),
    buildArgs: Object.fromEntries(Object.entries(buildArgs).filter(([name]) => !PROXY.test(name))),
    ...{ labels, describe, target, platforms: platforms.map(formatPlatform), network, addHosts, allow },
    secrets: secrets?.map(({ id }) => id),
    ssh: ssh?.map(({ id }) => id),
    ...{ compression, compressionLevel, sourceDateEpoch, contextModes, reproducible },
    images: Object.fromEntries(images),
  }
}

/** The context may be somewhere else when it is built again. */
function inContext({ folder }: ContextPlace, dockerfile: string): string {
  const inside = relative(folder, dockerfile)
  return isAbsolute(dockerfile) && !inside.startsWith('..') ? inside : dockerfile
}

function mapValues(record: Readonly<Record<string, string>>, change: (value: string) => string) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}
