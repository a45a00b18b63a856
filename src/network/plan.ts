import { ShaleError } from '../error.ts'
import { allocatePorts } from './allocate.ts'
import type { NetworkOptions, PortRequest, PrivateNetwork } from './options.ts'
import { parseExposed } from './parse-port.ts'
import { type Unavailable, whyNoPasta } from './pasta.ts'

/** What a container's network is to be on this machine. */
export interface NetworkPlan {
  readonly mode: 'host' | 'none' | 'private'
  /** With `private`. */
  readonly network?: PrivateNetwork
  /** What is not as it was asked for, each a sentence for a person. */
  readonly warnings: readonly string[]
}

/**
 * Decides between this machine's network and a private one, and finds places for the ports. Throws `INVALID_PORT`,
 * `PORT_IN_USE`, `PORT_FORBIDDEN`, `ADDRESS_UNAVAILABLE`.
 */
export async function planNetwork(options: NetworkOptions, exposed: readonly string[]): Promise<NetworkPlan> {
  const asked = options.publish.length > 0 || options.publishAll
  if (options.mode === 'none') return { mode: 'none', warnings: [] }
  if (options.mode === 'host') {
    const discarded = 'published ports are discarded when using host network mode'
    return { mode: 'host', warnings: asked ? [discarded] : [] }
  }
  const lack = whyNoPasta()
  if (isHost(options, lack)) return { mode: 'host', warnings: [] }
  const ports = await allocatePorts([...options.publish, ...(options.publishAll ? unpublished(options, exposed) : [])])
  const note = `the container can be reached at its ports, but reaches nothing outside: ${lack?.why}`
  return {
    mode: 'private',
    network: { ports, outward: lack === undefined },
    warnings: lack?.kind === 'missing' ? [note] : [],
  }
}

/** Whether it comes to this machine's own network. */
export function usesHostNetwork(options: NetworkOptions): boolean {
  return isHost(options, whyNoPasta())
}

/** A network of its own without pasta has no way out, so nobody gets that unasked. */
function isHost({ mode, publish, publishAll }: NetworkOptions, lack: Unavailable | undefined): boolean {
  const asked = publish.length > 0 || publishAll
  return mode === 'host' || (mode === 'default' && !asked && lack?.kind === 'missing')
}

/** What is exposed and not published already. */
function unpublished(options: NetworkOptions, exposed: readonly string[]): readonly PortRequest[] {
  const all = [...exposed, ...options.expose].flatMap(exposedPorts)
  const key = ({ containerPort, protocol }: PortRequest): string => `${containerPort}/${protocol}`
  const known = new Set(options.publish.map(key))
  return all.filter(port => {
    const fresh = !known.has(key(port))
    known.add(key(port))
    return fresh
  })
}

/** An image may expose what cannot be carried, such as SCTP; that is no reason not to run it. */
function exposedPorts(text: string): readonly PortRequest[] {
  try {
    return parseExposed(text)
  } catch (error) {
    if (error instanceof ShaleError) return []
    throw error
  }
}
