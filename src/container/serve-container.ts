import type { Server } from 'node:net'
import type { RunOutput } from '../sandbox/run-request.ts'
import type { Channel, FromSupervisor, ToSupervisor } from './channel.ts'
import { execFor } from './exec-session.ts'
import { passOn } from './pass-on.ts'
import type { Live } from './supervise.ts'

type Peer = Channel<ToSupervisor, FromSupervisor>

/** Answers at a container's socket, until closed; then every connection ends. */
export async function serve(
  live: Live,
  listen: (onConnection: (peer: Peer) => void) => Promise<Server>,
): Promise<{ close(exitCode: number): void }> {
  const peers = new Set<Peer>()
  const server = await listen(peer => {
    peers.add(peer)
    void peer.closed.then(() => peers.delete(peer))
    peer.onMessage(message => receive(message, peer, live))
  })
  return {
    close: exitCode => {
      server.close()
      for (const peer of peers) {
        void peer.send({ kind: 'ended', exitCode })
        peer.end()
      }
    },
  }
}

function receive(message: ToSupervisor, peer: Peer, live: Live): void {
  switch (message.kind) {
    case 'control':
      passOn(message.control, live.command)
      break
    case 'stop':
      stop(live, message.signal, message.timeoutMs)
      break
    case 'attach':
      attach(peer, live)
      break
    case 'exec':
      void execFor(peer, message.options, live)
      break
  }
}

/** Ends the container, and keeps it from being started again. */
export function stop(live: Live, signal: NodeJS.Signals, timeoutMs: number | undefined): void {
  live.stopping.abort()
  live.command?.signal(signal)
  if (timeoutMs !== undefined) setTimeout(() => live.command?.signal('SIGKILL'), timeoutMs).unref()
}

function attach(peer: Peer, live: Live): void {
  const listener = (output: RunOutput) => peer.send({ kind: 'output', output })
  live.listeners.add(listener)
  void peer.closed.then(() => live.listeners.delete(listener))
  void peer.send({ kind: 'attached' })
  live.attached.resolve()
}
