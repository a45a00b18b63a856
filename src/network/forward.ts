import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { udpKind } from './allocate.ts'
import type { PublishedPort } from './options.ts'

/** A client of a datagram port that has said nothing for so long is forgotten. In ms. */
const QUIET_MS = 90_000
/** Clients of one datagram port at a time; the one that has been quiet longest goes. */
const MOST_CLIENTS = 1024
/** A program listens on either or on both. */
const LOOPBACKS = ['127.0.0.1', '::1'] as const

/**
 * Listens on the port where this process is, and from the time when that has entered another network namespace on
 * carries everything to the same port there. Resolves when it listens; rejects with the system's error.
 */
export async function forward(port: PublishedPort): Promise<void> {
  await (port.protocol === 'tcp' ? forwardTcp(port) : forwardUdp(port))
}

async function forwardTcp({ address, hostPort, containerPort }: PublishedPort): Promise<void> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, client => {
    void carry(client, containerPort)
  })
  server.listen({ port: hostPort, ...(address !== undefined && { host: address }) })
  await once(server, 'listening')
}

async function carry(client: Socket, port: number): Promise<void> {
  client.on('error', () => client.destroy())
  for (const host of LOOPBACKS) {
    const inner = connect({ host, port, allowHalfOpen: true, noDelay: true })
    try {
      await once(inner, 'connect')
    } catch {
      continue
    }
    join(client, inner)
    return
  }
  // Nobody listens: what a client would be told there.
  client.resetAndDestroy()
}

/** Each end closes its half when it has said all; the failure of one is the end of both. */
function join(client: Socket, inner: Socket): void {
  const end = (): void => {
    client.destroy()
    inner.destroy()
  }
  client.on('error', end).on('close', () => inner.destroySoon())
  inner.on('error', end).on('close', () => client.destroySoon())
  client.pipe(inner)
  inner.pipe(client)
}

async function forwardUdp({ address, hostPort, containerPort }: PublishedPort): Promise<void> {
  const outer = createSocket(udpKind(address))
  const clients = new Map<string, Client>()
  outer.on('message', (message, from) => {
    const key = `${from.address} ${from.port}`
    const client = clients.get(key) ?? newClient()
    // Last in the order of use.
    clients.delete(key)
    clients.set(key, client)
    client.said(message)
    const [oldest] = clients.keys()
    if (clients.size > MOST_CLIENTS && oldest !== undefined) clients.get(oldest)?.end()

    function newClient(): Client {
      const reply = (answer: Buffer): void => outer.send(answer, from.port, from.address)
      return datagramClient(containerPort, reply, () => clients.delete(key))
    }
  })
  outer.on('error', () => {})
  const listening = once(outer, 'listening')
  outer.bind({ port: hostPort, ...(address !== undefined && { address }) })
  await listening
}

interface Client {
  said(message: Buffer): void
  end(): void
}

function datagramClient(port: number, reply: (answer: Buffer) => void, forget: () => void): Client {
  const inner: Datagrams = createSocket('udp4')
  const end = (): void => {
    clearTimeout(timer)
    forget()
    inner.close(() => {})
  }
  const timer = setTimeout(end, QUIET_MS)
  inner.on('message', answer => {
    timer.refresh()
    reply(answer)
  })
  // Nobody listens there yet, or no longer.
  inner.on('error', () => {})
  return {
    said(message) {
      timer.refresh()
      inner.send(message, port, LOOPBACKS[0])
    },
    end,
  }
}
