import { readFileSync } from 'node:fs'
import { isErrno } from '../../error.ts'
import { DEFAULT_HOSTNAME, type PlainMount, type RunConfig } from '../run-request.ts'

/** The files of /etc that tell a container its names and name servers, unless the caller mounts its own. */
export function networkFiles(config: RunConfig, mounts: readonly PlainMount[]): readonly PlainMount[] {
  if (config.bareEtc === true) return []
  const hostname = config.hostname ?? DEFAULT_HOSTNAME
  const files = {
    '/etc/resolv.conf': hostFile('/etc/resolv.conf'),
    '/etc/hosts': hostsFile(hostname, config.extraHosts ?? []),
    ...(config.ownHostnameFile !== true && { '/etc/hostname': `${hostname}\n` }),
  }
  const taken = new Set(mounts.map(({ target }) => target))
  return Object.entries(files)
    .filter(([target]) => !taken.has(target))
    .map(([target, content]) => ({ kind: 'file', target, content, readonly: false }))
}

function hostsFile(hostname: string, extra: NonNullable<RunConfig['extraHosts']>): string {
  const lines = [
    `127.0.0.1\tlocalhost ${hostname}`,
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::\tip6-localnet',
    'ff00::\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    ...extra.map(({ name, address }) => `${address}\t${name}`),
  ]
  return `${lines.join('\n')}\n`
}

function hostFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return ''
    throw error
  }
}
