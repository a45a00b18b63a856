import { ShaleError } from '../error.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { dial } from './channel.ts'
import { containerFolder } from './folder.ts'
import { optionsOf } from './options.ts'
import { isActive, settleAll } from './settle.ts'
import { signalName } from './signal-name.ts'

/** A connection to who looks after a running container. Throws `CONTAINER_NOT_RUNNING` in the words that follow its name. */
export async function reach(store: LocalStore, row: ContainerRow) {
  const { path, socket } = containerFolder(store, row.id)
  const channel = isActive(row) ? await dial(path, socket) : undefined
  if (channel === undefined) throw notRunning(row)
  return channel
}

export function notRunning({ id }: ContainerRow): ShaleError {
  return new ShaleError('CONTAINER_NOT_RUNNING', `container ${id} is not running`)
}

/** Sends the container's first process a signal; SIGKILL also keeps it from being started again. */
export async function signalContainer(store: LocalStore, row: ContainerRow, signal: NodeJS.Signals): Promise<void> {
  const channel = await reach(store, row)
  if (signal !== 'SIGKILL') await channel.send({ kind: 'control', control: { kind: 'signal', signal } })
  else {
    store.containers.change(row.id, { stopped: true })
    await channel.send({ kind: 'stop', signal, timeoutMs: undefined })
  }
  channel.end()
  if (signal === 'SIGKILL') await waitForEnd(store, row)
}

/** Ends it at once and waits until it has ended. Not running is fine. */
export async function killContainer(store: LocalStore, row: ContainerRow): Promise<void> {
  try {
    await signalContainer(store, row, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof ShaleError) || error.code !== 'CONTAINER_NOT_RUNNING') throw error
    // On its way up, or down.
    await waitForEnd(store, row)
  }
}

export interface StopOptions {
  /** Seconds until it is killed, -1 for never; else the container's own. */
  readonly timeout?: number | undefined
  readonly signal?: NodeJS.Signals | undefined
}

/** Asks the container to end, kills it when it does not, and waits until it has ended. Not running is fine. */
export async function stopContainer(store: LocalStore, row: ContainerRow, options: StopOptions = {}): Promise<void> {
  if (!isActive(row)) return
  const own = optionsOf(row)
  const timeout = options.timeout ?? own.stopTimeout
  const signal = options.signal ?? signalName(own.stopSignal)
  store.containers.change(row.id, { stopped: true })
  const { path, socket } = containerFolder(store, row.id)
  const channel = await dial(path, socket)
  await channel?.send({ kind: 'stop', signal, timeoutMs: timeout < 0 ? undefined : timeout * 1000 })
  await channel?.closed
  await waitForEnd(store, row)
}

/** Resolves with the record of the container when it has ended; undefined when it was removed with that. */
export async function waitForEnd(
  store: LocalStore,
  { id }: Pick<ContainerRow, 'id'>,
): Promise<ContainerRow | undefined> {
  const { path, socket } = containerFolder(store, id)
  for (let pause = 5; ; pause = Math.min(pause * 2, 200)) {
    const row = settleAll(store).find(other => other.id === id)
    if (row === undefined || !isActive(row)) return row
    const channel = await dial(path, socket)
    // Between two starts, or before the first, nobody may be listening yet.
    if (channel === undefined) await new Promise(resolve => setTimeout(resolve, pause))
    else await channel.closed
  }
}
