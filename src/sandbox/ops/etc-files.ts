import { readFileSync } from 'node:fs'
import { isErrno } from '../../error.ts'
import { CONTAINER_ADDRESS } from '../../network/options.ts'
import { outwardAddress } from '../../network/pasta.ts'
import { resolveConf } from '../../network/resolve-conf.ts'
import { DEFAULT_HOSTNAME, HOST_GATEWAY, type PlainMount, type RunConfig } from '../run-request.ts'

/**
 * The files of /etc that tell a container its names and name servers, unless the caller mounts its own. `outward`: it
 * has a network of its own with an address.
 */
export function etcFiles(config: RunConfig, outward: boolean, mounts: readonly PlainMount[]): readonly PlainMount[] {
  if (config.bareEtc === true) return []
  const hostname = config.hostname ?? DEFAULT_HOSTNAME
  const files = {
    '/etc/resolv.conf': resolveConf(hostFile('/etc/resolv.conf'), config.dns, outward),
    '/etc/hosts': hostsFile(hostname, config.extraHosts ?? [], outward),
    ...(config.ownHostnameFile !== true && { '/etc/hostname': `${hostname}\n` }),
  }
  const taken = new Set(mounts.map(({ target }) => target))
  return Object.entries(files)
    .filter(([target]) => !taken.has(target))
    .map(([target, content]) => ({ kind: 'file', target, content, readonly: false }))
}

function hostsFile(hostname: string, extra: NonNullable<RunConfig['extraHosts']>, outward: boolean): string {
  const gateway = (outward ? outwardAddress() : undefined) ?? '127.0.0.1'
  const lines = [
    `127.0.0.1\tlocalhost${outward ? '' : ` ${hostname}`}`,
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::\tip6-localnet',
    'ff00::\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    ...extra.map(({ name, address }) => `${address === HOST_GATEWAY ? gateway : address}\t${name}`),
    ...(outward ? [`${CONTAINER_ADDRESS}\t${hostname}`] : []),
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
