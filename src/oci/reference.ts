import { ShaleError } from '../error.ts'
import { type Digest, isDigest } from './digest.ts'

/**
 * A parsed, complete image name: `docker.io/library/debian:latest`. Without tag and digest in the text, the tag is
 * `latest`. Source: distribution/reference's grammar; docker.io and library/ are filled in as docker does.
 */
export interface Reference {
  readonly registry: string
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
}

const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`)
const REGISTRY =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d+)?$/
const TAG = /^\w[\w.-]{0,127}$/
const DEFAULT_REGISTRY = 'docker.io'

/** Throws `INVALID_REFERENCE` with docker's words and what is wrong with it. */
export function parseReference(text: string): Reference {
  const fail = (why: string): never => {
    throw new ShaleError('INVALID_REFERENCE', `invalid reference format: ${JSON.stringify(text.slice(0, 300))}: ${why}`)
  }
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  if (digest !== undefined && !isDigest(digest)) fail('what follows @ must be a sha256 or sha512 digest')
  const rest = at < 0 ? text : text.slice(0, at)
  const colon = rest.lastIndexOf(':')
  const hasTag = colon > rest.lastIndexOf('/')
  const tag = hasTag ? rest.slice(colon + 1) : undefined
  if (tag !== undefined && !TAG.test(tag)) {
    fail('a tag has at most 128 letters, digits, dots, dashes and underscores, and starts with none of . and -')
  }
  const { registry, repository } = splitName(hasTag ? rest.slice(0, colon) : rest)
  if (!REGISTRY.test(registry)) fail(`${JSON.stringify(registry)} is no registry's name`)
  if (/[A-Z]/.test(repository)) fail('repository name must be lowercase')
  if (!REPOSITORY.test(repository))
    fail('repository names are words of lower-case letters, digits and single separators')
  if (repository.length > 255) fail('repository name must not be more than 255 characters')
  const name = { registry, repository }
  if (digest !== undefined) return { ...name, ...(tag && { tag }), digest: digest as Digest }
  return { ...name, tag: tag ?? 'latest' }
}

function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const isHost = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase()
  if (!isHost) return { registry: DEFAULT_REGISTRY, repository: slash < 0 ? `library/${name}` : name }
  const registry = first === 'index.docker.io' ? DEFAULT_REGISTRY : first
  const path = name.slice(slash + 1)
  return { registry, repository: registry === DEFAULT_REGISTRY && !path.includes('/') ? `library/${path}` : path }
}

/** The complete name: `docker.io/library/debian:latest`. */
export function formatReference(reference: Reference): string {
  const { registry, repository, tag, digest } = reference
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** The repository as docker shows it, `debian` for `docker.io/library/debian`, as long as that means the same. */
export function familiarName(reference: Reference): string {
  const { registry, repository } = reference
  const whole = `${registry}/${repository}`
  if (registry !== DEFAULT_REGISTRY) return whole
  const bare = repository.startsWith('library/') ? repository.slice('library/'.length) : repository
  const short = bare.includes('/') ? repository : bare
  const meant = splitName(short)
  // `docker.io/example.com/app` is no `example.com/app`.
  return meant.registry === registry && meant.repository === repository ? short : whole
}

/** The whole reference as docker shows it: `debian:latest`. */
export function familiarReference(reference: Reference): string {
  const { tag, digest } = reference
  return `${familiarName(reference)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}
