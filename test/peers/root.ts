import { cached, keyOf } from '../../scripts/bases/cache.ts'
import { assertCanMakeRoots, debianRoot, extendRoot } from '../../scripts/bases/debian.ts'
import { type EnterOptions, enter } from '../../scripts/bases/enter.ts'
import type { Outcome } from '../../scripts/bases/process.ts'

/** The programs that Shale is tested against, by how much has to be installed for them. */
const PEER_SETS = {
  tools: ['skopeo', 'umoci', 'docker-registry', 'apache2-utils', 'ca-certificates', 'zstd', 'python3-minimal', 'xattr'],
  engines: [
    'docker.io',
    'docker-cli',
    'docker-buildx',
    'buildah',
    'podman',
    'crun',
    'runc',
    'iptables',
    'netavark',
    'ca-certificates',
    'git',
  ],
} as const

export type PeerSet = keyof typeof PEER_SETS

export interface PeerOptions extends EnterOptions {
  /** `tools` (skopeo, umoci, docker-registry, htpasswd …) if absent; `engines` has Docker, buildah, podman. */
  readonly set?: PeerSet | undefined
}

/** A Debian 13 root folder with the peers of a set, made once and kept in the cache. Needs root and apt-get. */
export function peerRoot(set: PeerSet = 'tools'): Promise<string> {
  return cached(`trixie-peers-${set}-${keyOf(...PEER_SETS[set])}`, async path =>
    extendRoot(await debianRoot(), path, PEER_SETS[set]),
  )
}

/** Why peers cannot run on this machine, or undefined when they can; for tests that then say so and end. */
export function whyNoPeers(): string | undefined {
  try {
    assertCanMakeRoots()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * Runs a peer's command in the root to its end. The root is read-only there, with empty in-memory folders where
 * programs write; `binds` brings host folders in, `cwd` and `env` are those inside, the network is the host's.
 */
export async function runInPeerRoot(command: readonly string[], options: PeerOptions = {}): Promise<Outcome> {
  return enter(await peerRoot(options.set), command, { readOnly: true, ...options })
}
