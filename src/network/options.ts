/** A port of a container that is to be reachable on this machine, as `-p` names it. */
export interface PortRequest {
  /** Address of this machine; undefined is every one, IPv4 and IPv6. */
  readonly address?: string | undefined
  /** Stretch of ports to take one of; undefined leaves the choice to the kernel. */
  readonly hostPorts?: readonly [first: number, last: number] | undefined
  readonly containerPort: number
  readonly protocol: Protocol
}

export type Protocol = 'tcp' | 'udp'

/** A port with its place on this machine. */
export interface PublishedPort {
  readonly address?: string | undefined
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol: Protocol
}

/** How names are looked up, in place of what this machine does. */
export interface DnsOptions {
  readonly servers: readonly string[]
  /** `.` alone is none. */
  readonly search: readonly string[]
  readonly options: readonly string[]
}

/** `default` is `private` where that has outward access or ports are asked for, else `host`. */
export type NetworkMode = 'default' | 'private' | 'host' | 'none'

/** What a container's network was asked to be; plain data. */
export interface NetworkOptions {
  readonly mode: NetworkMode
  readonly publish: readonly PortRequest[]
  /** Publish what the image exposes, each port somewhere. */
  readonly publishAll: boolean
  /** `80/tcp`: exposed besides what the image exposes. */
  readonly expose: readonly string[]
  readonly dns?: DnsOptions | undefined
}

export const DEFAULT_NETWORK: NetworkOptions = { mode: 'default', publish: [], publishAll: false, expose: [] }

/** A network of a container's own. */
export interface PrivateNetwork {
  readonly ports: readonly PublishedPort[]
  /** Through pasta, which carries TCP ports, too. Otherwise nothing but its ports leads in or out. */
  readonly outward: boolean
}

/** What a container sees of itself; where there is no outward access it has only a loopback interface. */
export const CONTAINER_ADDRESS = '10.88.0.2'
export const GATEWAY_ADDRESS = '10.88.0.1'
export const PREFIX_LENGTH = 24
/** Answers name look-ups for a container whose machine asks a server of its own loopback interface. */
export const DNS_ADDRESS = '169.254.1.1'

/** `0.0.0.0:80`, `[::1]:80`. */
export function socketAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
