import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'

let trusted: SecureContext | undefined

/**
 * The machine's certificate authorities and those of NODE_EXTRA_CA_CERTS; Node's own list on a machine that has none.
 * Reading them takes some 60 ms, so they are read once, when the first HTTPS connection is made.
 */
export function trustedAuthorities(): SecureContext {
  if (trusted !== undefined) return trusted
  const system = getCACertificates('system')
  const authorities = system.length > 0 ? [...system, ...getCACertificates('extra')] : getCACertificates('default')
  trusted = createSecureContext({ ca: [...new Set(authorities)] })
  return trusted
}
