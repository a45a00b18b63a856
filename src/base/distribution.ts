import { existsSync } from 'node:fs'
import { nearest } from '../dockerfile/nearest.ts'
import { ShaleError } from '../error.ts'
import type { Platform } from '../oci/platform.ts'
import type { Repository } from './package.ts'

/** Where a distribution's packages and keys are. */
export interface Distribution {
  readonly repositories: readonly Repository[]
  readonly keyring: string
}

/** Debian's names of the architectures that OCI names otherwise. Source: dpkg-architecture(1). */
const ARCHITECTURES: Readonly<Record<string, string>> = { '386': 'i386', arm: 'armhf', ppc64le: 'ppc64el' }

export function debianArchitecture({ architecture, variant }: Platform): string {
  return architecture === 'arm' && (variant === 'v5' || variant === 'v6')
    ? 'armel'
    : (ARCHITECTURES[architecture] ?? architecture)
}

const NAMES = ['debian', 'ubuntu'] as const
const ROLLING = new Set(['sid', 'unstable', 'experimental'])

/**
 * The repositories of `debian:trixie` or `ubuntu:noble`, with updates and security fixes. `mirror` takes the place of
 * the distribution's own address, whose security fixes stay where they are for Debian. Throws `DISTRIBUTION_UNKNOWN`.
 */
export function findDistribution(text: string, architecture: string, mirrors: readonly string[]): Distribution {
  const [name = '', suite = ''] = text.split(':')
  if (!/^[a-z][a-z0-9.-]*$/.test(suite) || !(NAMES as readonly string[]).includes(name))
    throw unknown(text, name, suite)
  return name === 'debian' ? debian(suite, mirrors) : ubuntu(suite, architecture, mirrors)
}

function debian(suite: string, mirrors: readonly string[]): Distribution {
  const uris = mirrors.length > 0 ? mirrors : ['http://deb.debian.org/debian']
  const components = ['main']
  const main = { uris, suite, components }
  const fixes: readonly Repository[] = ROLLING.has(suite)
    ? []
    : [
        { uris, suite: `${suite}-updates`, components },
        { uris: ['http://deb.debian.org/debian-security'], suite: `${suite}-security`, components },
      ]
  return { repositories: [main, ...fixes], keyring: '/usr/share/keyrings/debian-archive-keyring.gpg' }
}

function ubuntu(suite: string, architecture: string, mirrors: readonly string[]): Distribution {
  const main = architecture === 'amd64' || architecture === 'i386'
  const own = main ? 'http://archive.ubuntu.com/ubuntu' : 'http://ports.ubuntu.com/ubuntu-ports'
  const uris = mirrors.length > 0 ? mirrors : [own]
  const repositories = [suite, `${suite}-updates`, `${suite}-security`].map(one => {
    return { uris, suite: one, components: ['main', 'universe'] }
  })
  return { repositories, keyring: '/usr/share/keyrings/ubuntu-archive-keyring.gpg' }
}

function unknown(text: string, name: string, suite: string): ShaleError {
  const near = nearest(name, NAMES)
  const hint =
    suite === ''
      ? 'name its release too, such as debian:trixie'
      : near === undefined
        ? 'debian:RELEASE and ubuntu:RELEASE are known; others are named with --repository'
        : `did you mean ${near}:${suite}?`
  return new ShaleError('DISTRIBUTION_UNKNOWN', `unknown distribution ${JSON.stringify(text)}`, { hint })
}

/** Throws `KEYRING_MISSING` and says where a distribution's keyring comes from. */
export function checkKeyring(path: string): void {
  if (existsSync(path)) return
  const name = path.includes('ubuntu') ? 'ubuntu-keyring' : 'debian-archive-keyring'
  throw new ShaleError('KEYRING_MISSING', `there is no keyring ${path} to check the packages against`, {
    hint: `install the package ${name}, or copy that file from a machine that has it and name it with --keyring`,
  })
}

/** A line as apt has it: `[deb] URI SUITE COMPONENT...`. Throws `REPOSITORY_INVALID`. */
export function parseRepository(line: string): Repository {
  const [uri = '', suite = '', ...components] = line
    .trim()
    .replace(/^deb\s+/, '')
    .split(/\s+/)
  const invalid = (why: string) =>
    new ShaleError('REPOSITORY_INVALID', `invalid repository ${JSON.stringify(line)}: ${why}`, {
      hint: 'write it as apt has it: http://deb.debian.org/debian trixie main',
    })
  if (!URL.canParse(uri) || !/^(?:https?|file):$/.test(new URL(uri).protocol)) {
    throw invalid('it begins with no http:, https: or file: address')
  }
  if (suite === '' || components.length === 0) throw invalid('it needs a release and components after the address')
  if ([suite, ...components].some(word => !/^[\w.+-]+(?:\/[\w.+-]+)*$/.test(word) || word.includes('..'))) {
    throw invalid('releases and components are words')
  }
  return { uris: [uri.replace(/\/+$/, '')], suite, components }
}
