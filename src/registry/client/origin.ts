import { ShaleError } from '../../error.ts'
import { discard, isLoopback, type Transport } from './http.ts'
import type { Insecure } from './registries-file.ts'

/** Docker Hub's name in image names is not its host. */
export const HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' }

/** The name that a host (`name` or `name:port`) has in image names. */
export function nameOfHost(host: string): string {
  return Object.entries(HOSTS).find(([, other]) => other === host)?.[0] ?? host
}

/**
 * HTTPS, but on loopback whichever of HTTPS and plain HTTP is spoken there, and plain HTTP where that was named. HTTPS
 * is tried first, since a plain server's reaction to a TLS greeting is unmistakable, and other errors then say what is
 * wrong with the TLS.
 */
export async function originOf(host: string, insecure: Insecure | undefined, probe: Transport): Promise<URL> {
  if (!URL.canParse(`https://${host}/`)) {
    throw new ShaleError('INVALID_REFERENCE', `${JSON.stringify(host)} is no registry's address`, {
      hint: 'a port is at most 65535',
    })
  }
  if (insecure === 'plain-http') return new URL(`http://${host}/`)
  const secure = new URL(`https://${host}/`)
  if (!isLoopback(secure.hostname)) return secure
  try {
    discard(await probe({ method: 'GET', url: new URL('/v2/', secure) }))
    return secure
  } catch (error) {
    if (!speaksNoTls(error)) throw error
    return new URL(`http://${host}/`)
  }
}

function speaksNoTls(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return /^(?:EPROTO|ECONNRESET|EPIPE|ERR_SSL_.*)$/.test(code)
}
