import { ShaleError } from '../error.ts'
import type { RunningCommand } from '../sandbox/helper.ts'
import type { RunControl, RunOutput } from '../sandbox/run-request.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import type { Channel, ExecOptions, FromSupervisor, ToSupervisor } from './channel.ts'
import { reach, waitForEnd } from './signal.ts'

/** A command that somebody else looks after, as one who is connected to it. */
export interface Session {
  readonly command: RunningCommand
  /** Writes to its standard input or types at its terminal; resolves when there is room for more. */
  feed(chunk: Uint8Array): Promise<void>
  /** Resolves when it runs. */
  readonly started: Promise<void>
  /** Its exit code; undefined when we have left before its end. Rejects when it could not be started. */
  readonly exitCode: Promise<number | undefined>
  /** Ends the connection; the command goes on. */
  leave(): void
}

export type OnOutput = (output: RunOutput) => void

type Ours = Channel<FromSupervisor, ToSupervisor>

/** Runs a further command in a container. Throws `CONTAINER_NOT_RUNNING`. */
export async function execIn(
  store: LocalStore,
  row: ContainerRow,
  options: ExecOptions,
  onOutput: OnOutput,
): Promise<Session> {
  const channel = await reach(store, row)
  const session = connect(channel, onOutput, async () => undefined)
  await channel.send({ kind: 'exec', options })
  return session
}

/** Connects to a container's own command: what it writes from now on. Throws `CONTAINER_NOT_RUNNING`. */
export async function attachTo(store: LocalStore, row: ContainerRow, onOutput: OnOutput): Promise<Session> {
  const channel = await reach(store, row)
  const session = connect(channel, onOutput, async () => (await waitForEnd(store, row))?.exitCode)
  await channel.send({ kind: 'attach' })
  return session
}

function connect(channel: Ours, onOutput: OnOutput, atClose: () => Promise<number | undefined>): Session {
  const post = (control: RunControl) => channel.send({ kind: 'control', control })
  let left = false
  const started = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<number | undefined>()
  // Who asks for one of them need not ask for the other.
  started.promise.catch(() => {})
  ended.promise.catch(() => {})
  const fail = (error: ShaleError): void => {
    started.reject(error)
    ended.reject(error)
  }
  channel.onMessage(message => {
    switch (message.kind) {
      case 'attached':
      case 'started':
        started.resolve()
        break
      case 'output':
        onOutput(message.output)
        break
      case 'result': {
        const { exitCode, startError } = message.result
        if (startError === undefined) ended.resolve(exitCode)
        else fail(new ShaleError('COMMAND_NOT_STARTED', startError, { exitCode }))
        break
      }
      case 'ended':
        ended.resolve(message.exitCode)
        break
      case 'failure':
        fail(new ShaleError(message.code, message.message, { hint: message.hint }))
        break
    }
  })
  void channel.closed.then(async () => {
    const exitCode = left ? undefined : await atClose()
    ended.resolve(exitCode ?? (left ? undefined : 137))
    started.resolve()
  })
  return {
    command: {
      signal: signal => void post({ kind: 'signal', signal }),
      type: chunk => void post({ kind: 'input', chunk }),
      endInput: () => void post({ kind: 'end-input' }),
      resize: size => void post({ kind: 'resize', size }),
    },
    feed: chunk => post({ kind: 'input', chunk }),
    started: started.promise,
    exitCode: ended.promise,
    leave: () => {
      left = true
      channel.end()
    },
  }
}
