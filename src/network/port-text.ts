import { existsSync } from 'node:fs'
import { type PublishedPort, socketAddress } from './options.ts'

/** A port of a container and where it is reached; one without an address is there once for IPv4 and once for IPv6. */
export interface PortBinding {
  readonly containerPort: number
  readonly protocol: string
  readonly address: string
  readonly hostPort: number
}

/** By container port, then protocol, as `docker port` has them. */
export function bindings(ports: readonly PublishedPort[]): readonly PortBinding[] {
  return ports
    .toSorted((a, b) => a.containerPort - b.containerPort || a.protocol.localeCompare(b.protocol))
    .flatMap(({ address, ...port }) =>
      (address === undefined ? everyAddress() : [address]).map(one => ({ ...port, address: one })),
    )
}

function everyAddress(): readonly string[] {
  return existsSync('/proc/net/if_inet6') ? ['0.0.0.0', '::'] : ['0.0.0.0']
}

export function portName({ containerPort, protocol }: Pick<PortBinding, 'containerPort' | 'protocol'>): string {
  return `${containerPort}/${protocol}`
}

/** `0.0.0.0:8080->80/tcp, 443/tcp`: neighbours are one range, and what is exposed only comes last. */
export function portsText(ports: readonly PublishedPort[], exposed: readonly string[]): string {
  const known = new Set(ports.map(portName))
  const groups = ranges(bindings(ports)).map(({ first, last }) => {
    const [host, inner] = [first.hostPort, first.containerPort].map((from, at) => {
      const to = at === 0 ? last.hostPort : last.containerPort
      return from === to ? String(from) : `${from}-${to}`
    })
    const address = socketAddress(first.address, first.hostPort).slice(0, -String(first.hostPort).length)
    return `${address}${host}->${inner}/${first.protocol}`
  })
  return [...groups, ...exposed.filter(name => !known.has(name))].join(', ')
}

interface Range {
  readonly first: PortBinding
  readonly last: PortBinding
}

function ranges(all: readonly PortBinding[]): readonly Range[] {
  const places = Map.groupBy(all, ({ address, protocol }) => `${address} ${protocol}`)
  return [...places.values()].flatMap(own => {
    const found: Range[] = []
    for (const next of own) {
      const before = found.at(-1)
      if (before !== undefined && isNext(before.last, next)) found.splice(-1, 1, { first: before.first, last: next })
      else found.push({ first: next, last: next })
    }
    return found
  })
}

function isNext(a: PortBinding, b: PortBinding): boolean {
  return b.containerPort === a.containerPort + 1 && b.hostPort === a.hostPort + 1
}
