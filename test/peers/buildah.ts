import type { Outcome } from '../../scripts/bases/process.ts'
import { type PeerOptions, runInPeerRoot } from './root.ts'

/** Buildah raises these limits by default, which fails where the machine withholds CAP_SYS_RESOURCE. */
export const LIMITS = ['--ulimit', 'nofile=1024:4096', '--ulimit', 'nproc=4096:4096']

/**
 * `buildah build ARGS…`. RUN steps go through runc: crun refuses a machine that mounts cgroup v1 beside
 * v2. Storage is in memory and gone afterwards, unless `binds` brings a folder to `/var/lib/containers`.
 */
export function buildahBuild(args: readonly string[], options: PeerOptions = {}): Promise<Outcome> {
  const command = ['buildah', '--storage-driver=overlay', 'build', '--runtime=runc', '--network=host', ...LIMITS]
  return runInPeerRoot([...command, ...args], { ...options, set: 'engines' })
}
