import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { isErrno, ShaleError } from '../error.ts'
import { type PortRequest, type PublishedPort, socketAddress } from './options.ts'

/**
 * A place on this machine for each port; each has been free a moment ago. Throws `PORT_IN_USE`, `PORT_FORBIDDEN`,
 * `ADDRESS_UNAVAILABLE`.
 */
export async function allocatePorts(requests: readonly PortRequest[]): Promise<readonly PublishedPort[]> {
  const taken: PublishedPort[] = []
  for (const request of requests) taken.push(await allocate(request, taken))
  return taken
}

async function allocate(request: PortRequest, taken: readonly PublishedPort[]): Promise<PublishedPort> {
  const { hostPorts, ...rest } = request
  const [first, last] = hostPorts ?? [0, 0]
  for (let port = first; port <= last; port++) {
    const ours = port !== 0 && taken.some(other => overlap(other, request, port))
    const found = ours ? undefined : await bound(request, port)
    if (found !== undefined) return { ...rest, hostPort: found }
  }
  throw inUse(request, first, last)
}

function overlap(other: PublishedPort, { address, protocol }: PortRequest, port: number): boolean {
  const same = other.address === undefined || address === undefined || other.address === address
  return other.hostPort === port && other.protocol === protocol && same
}

/** The port that a socket got there; undefined when it is in use. */
async function bound(request: PortRequest, port: number): Promise<number | undefined> {
  try {
    return request.protocol === 'tcp' ? await boundTcp(request.address, port) : await boundUdp(request.address, port)
  } catch (error) {
    if (isErrno(error, 'EADDRINUSE')) return undefined
    throw refused(error as NodeJS.ErrnoException, request, port)
  }
}

async function boundTcp(address: string | undefined, port: number): Promise<number> {
  const server = createServer()
  server.listen({ port, exclusive: true, ...(address !== undefined && { host: address }) })
  await once(server, 'listening')
  const at = server.address() as { readonly port: number }
  server.close()
  await once(server, 'close')
  return at.port
}

async function boundUdp(address: string | undefined, port: number): Promise<number> {
  const socket = createSocket(udpKind(address))
  try {
    socket.bind({ port, exclusive: true, ...(address !== undefined && { address }) })
    await once(socket, 'listening')
    return socket.address().port
  } finally {
    socket.close()
  }
}

/** Without an address a socket for both kinds of it, as TCP's is. */
export function udpKind(address: string | undefined): 'udp4' | 'udp6' {
  return address === undefined || address.includes(':') ? 'udp6' : 'udp4'
}

/** docker's words for a port that somebody else has. */
export function inUse({ address = '0.0.0.0' }: Pick<PortRequest, 'address'>, first: number, last = first): ShaleError {
  const where = socketAddress(address, first)
  const message =
    first === last
      ? `Bind for ${where} failed: port is already allocated`
      : `Bind for ${where}-${last} failed: all ports are allocated`
  return new ShaleError('PORT_IN_USE', message, {
    hint: 'choose another host port, leave it out to be given a free one, or end what uses it (ss -lntup tells)',
    exitCode: 125,
  })
}

function refused(error: NodeJS.ErrnoException, { address = '0.0.0.0' }: PortRequest, port: number): Error {
  const where = socketAddress(address, port)
  if (isErrno(error, 'EACCES')) {
    return new ShaleError('PORT_FORBIDDEN', `Bind for ${where} failed: permission denied`, {
      hint: 'ordinary users may take ports from net.ipv4.ip_unprivileged_port_start (1024) on; choose a higher one',
      exitCode: 125,
      cause: error,
    })
  }
  if (!isErrno(error, 'EADDRNOTAVAIL', 'EINVAL')) return error
  return new ShaleError('ADDRESS_UNAVAILABLE', `Bind for ${where} failed: cannot assign requested address`, {
    hint: 'the address must be one of this machine’s own',
    exitCode: 125,
    cause: error,
  })
}
