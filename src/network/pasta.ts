import { accessSync, constants, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import {
  CONTAINER_ADDRESS,
  DNS_ADDRESS,
  GATEWAY_ADDRESS,
  PREFIX_LENGTH,
  type Protocol,
  type PublishedPort,
} from './options.ts'

/** Why there is no outward access from a network of its own. */
export interface Unavailable {
  /** `offline`: this machine has none itself. */
  readonly kind: 'missing' | 'offline'
  /** A clause for a person. */
  readonly why: string
}

/** Whether pasta(1) can connect a network namespace to this machine's network; undefined: it can. */
export function whyNoPasta(path = process.env.PATH ?? ''): Unavailable | undefined {
  if (!path.split(':').some(folder => folder !== '' && may(`${folder}/pasta`, constants.X_OK))) {
    return { kind: 'missing', why: 'pasta is not installed (Debian package passt)' }
  }
  if (!may('/dev/net/tun', constants.R_OK | constants.W_OK)) {
    return { kind: 'missing', why: 'pasta needs /dev/net/tun, which is not there for us' }
  }
  return hasRoute4() || hasRoute6() ? undefined : { kind: 'offline', why: 'this machine has no default route' }
}

export interface PastaPlan {
  /** A file that is the network namespace. */
  readonly namespace: string
  readonly ports: readonly PublishedPort[]
  /** Root of the machine, not of a user namespace: pasta would become nobody, who may not enter the namespace. */
  readonly root: boolean
  /** Carry look-ups at {@link DNS_ADDRESS} to this machine's server; without need it would spoil those at others. */
  readonly dns: boolean
}

/** Source: pasta(1), of version 2023-03 and newer. */
export function pastaArguments({ namespace, ports, root, dns }: PastaPlan): readonly string[] {
  const own = ['--address', CONTAINER_ADDRESS, '--netmask', String(PREFIX_LENGTH), '--gateway', GATEWAY_ADDRESS]
  return [
    ...['--config-net', '--netns-only', '--quiet', '--ns-ifname', 'eth0'],
    ...(dns ? ['--dns-forward', DNS_ADDRESS] : []),
    ...(root ? ['--runas', '0'] : []),
    // An address of its own, so that this machine's are others' and can be reached; its loopback is nobody's.
    ...(hasRoute4() ? own : []),
    '--no-map-gw',
    ...portArguments('-t', ports, 'tcp'),
    ...portArguments('-u', ports, 'udp'),
    ...['-T', 'none', '-U', 'none', '--netns', namespace],
  ]
}

function portArguments(flag: string, ports: readonly PublishedPort[], protocol: Protocol): readonly string[] {
  const words = ports
    .filter(port => port.protocol === protocol)
    .flatMap(({ address, hostPort, containerPort }) => [
      flag,
      `${address === undefined ? '' : `${address}/`}${hostPort}:${containerPort}`,
    ])
  return words.length === 0 ? [flag, 'none'] : words
}

/** This machine's IPv4 address on the network outside, at which a container with an address of its own reaches it. */
export function outwardAddress(): string | undefined {
  const name = defaultInterface()
  return name === undefined
    ? undefined
    : networkInterfaces()[name]?.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
}

function hasRoute4(): boolean {
  return defaultInterface() !== undefined
}

/** Source: proc_net(5); an IPv4 default route has no destination and no mask. */
function defaultInterface(): string | undefined {
  const routes = lines('/proc/net/route').map(line => line.split(/\s+/))
  return routes.find(fields => fields[1] === '00000000' && fields[7] === '00000000')?.[0]
}

function hasRoute6(): boolean {
  return lines('/proc/net/ipv6_route').some(line => {
    const [destination, length, , , gateway] = line.split(/\s+/)
    return length === '00' && /^0+$/.test(destination ?? '') && !/^0+$/.test(gateway ?? '0')
  })
}

function lines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'latin1').split('\n')
  } catch {
    return []
  }
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
