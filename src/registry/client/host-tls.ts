import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isErrno, ShaleError } from '../../error.ts'
import type { RegistrySettings } from './registries-file.ts'

/** What a host's TLS needs beyond the machine's settings. PEM texts. */
export interface HostTls {
  /** Trusted besides the machine's authorities. */
  readonly authorities: readonly string[]
  readonly client?: { readonly cert: string; readonly key: string } | undefined
  readonly verify: boolean
}

/** Folders with `HOST/*.crt` (authorities) and `HOST/*.cert` with `HOST/*.key` (clients), as docker and podman have them. */
export function certificateFolders(env: NodeJS.ProcessEnv): readonly string[] {
  const home = join(env.HOME || homedir(), '.config/containers/certs.d')
  return ['/etc/docker/certs.d', home, '/etc/containers/certs.d']
}

/**
 * The TLS settings of a host: those of `registries.yaml`, else of the first certificate folder that has the host.
 * Undefined when there are none. Throws `REGISTRY_CERTIFICATE_FILE`.
 */
export async function hostTls(
  host: string,
  settings: RegistrySettings | undefined,
  folders: readonly string[],
): Promise<HostTls | undefined> {
  const { ca, cert, key, insecure } = settings ?? {}
  if (ca !== undefined || cert !== undefined || insecure === 'skip-verify') {
    const client = cert === undefined || key === undefined ? undefined : { cert: await pem(cert), key: await pem(key) }
    return { authorities: ca === undefined ? [] : [await pem(ca)], client, verify: insecure !== 'skip-verify' }
  }
  for (const folder of folders) {
    const found = await fromFolder(join(folder, host))
    if (found !== undefined) return found
  }
  return undefined
}

async function fromFolder(folder: string): Promise<HostTls | undefined> {
  const names = await readdir(folder).catch((error): string[] => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return []
    throw error
  })
  const ending = (end: string) => names.filter(name => name.endsWith(end)).toSorted()
  const authorities = await Promise.all(ending('.crt').map(name => pem(join(folder, name))))
  const [certificate] = ending('.cert')
  if (certificate === undefined) return authorities.length === 0 ? undefined : { authorities, verify: true }
  const cert = await pem(join(folder, certificate))
  const key = await pem(join(folder, certificate.replace(/\.cert$/, '.key')))
  return { authorities, client: { cert, key }, verify: true }
}

async function pem(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(cause => {
    throw new ShaleError('REGISTRY_CERTIFICATE_FILE', `cannot read ${file}: ${reason(cause)}`, { cause })
  })
  if (text.includes('-----BEGIN ')) return text
  throw new ShaleError('REGISTRY_CERTIFICATE_FILE', `${file} is no PEM file: it has no line -----BEGIN …-----`)
}

function reason(cause: unknown): string {
  if (isErrno(cause, 'ENOENT')) return 'no such file'
  return isErrno(cause, 'EACCES') ? 'permission denied' : (cause as Error).message
}
