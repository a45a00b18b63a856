import { closeSync, openSync } from 'node:fs'
import { isErrno } from '../error.ts'
import { forward } from '../network/forward.ts'
import type { PublishedPort } from '../network/options.ts'
import { enterNamespace } from './syscalls.ts'

/*
 * Carries a container's published ports where there is no pasta: listens on this machine's network, then enters the
 * container's, where all that it opens from then on is. It opens no other port, and ends with the helper.
 */

export interface ForwarderInput {
  /** A file that is the network namespace. */
  readonly namespace: string
  readonly ports: readonly PublishedPort[]
}

export type ForwarderReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly port: PublishedPort; readonly code: string; readonly message: string }

function report(message: ForwarderReport): void {
  process.send?.(message)
}

async function listen({ namespace, ports }: ForwarderInput): Promise<void> {
  for (const port of ports) {
    try {
      await forward(port)
    } catch (error) {
      const code = isErrno(error) ? (error.code ?? '') : ''
      report({ kind: 'failed', port, code, message: (error as Error).message })
      return
    }
  }
  // Sockets are made on this thread, so its namespace is the one that counts.
  const fd = openSync(namespace, 'r')
  enterNamespace(fd)
  closeSync(fd)
  report({ kind: 'ready' })
}

process.once('message', (input: ForwarderInput) => void listen(input))
process.on('disconnect', () => process.exit(0))
