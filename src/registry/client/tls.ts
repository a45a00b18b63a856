import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import type { HostTls } from './host-tls.ts'

let trusted: SecureContext | undefined

/**
 * The machine's certificate authorities and those of NODE_EXTRA_CA_CERTS; Node's own list on a machine that has none.
 * Reading them takes some 60 ms, so they are read once, when the first HTTPS connection is made.
 */
export function trustedAuthorities(): SecureContext {
  trusted ??= createSecureContext({ ca: [...machineAuthorities()] })
  return trusted
}

/** The machine's authorities and a host's own, with the certificate that we show to that host. */
export function hostContext({ authorities, client }: HostTls): SecureContext {
  return createSecureContext({ ca: [...machineAuthorities(), ...authorities], ...client })
}

function machineAuthorities(): ReadonlySet<string> {
  const system = getCACertificates('system')
  return new Set(system.length > 0 ? [...system, ...getCACertificates('extra')] : getCACertificates('default'))
}
