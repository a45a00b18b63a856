import { readFileSync } from 'node:fs'
import { isErrno, ShaleError } from '../error.ts'
import { prepareSpare } from './ops/init-process.ts'
import { HANDLERS } from './ops/registry.ts'
import type { FromHelper, Handler, HelperHost, OperationName, ToHelper, WireError } from './protocol.ts'
import type { RunControl } from './run-request.ts'

/*
 * The helper process: root of its own mount and PID namespace (and user namespace where the caller is not root). It does
 * what it is told over IPC and ends, with everything it has started, when the channel closes.
 */

interface Running {
  readonly abort: AbortController
  readonly acknowledged: (() => void)[]
  control: (control: RunControl) => void
}

const running = new Map<number, Running>()
const rootless = process.env.SHALE_HELPER_ROOTLESS === '1'
const host: HelperHost = {
  rootless,
  singleUser: rootless && !isMapped('uid', 1),
  ttyGroup: isMapped('gid', 5),
  contains: true,
}

function send(message: FromHelper): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

function isMapped(kind: 'uid' | 'gid', id: number): boolean {
  return readFileSync(`/proc/self/${kind}_map`, 'latin1')
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number))
    .some(([inside = 0, , count = 0]) => id >= inside && id < inside + count)
}

async function serve(id: number, operation: OperationName, input: unknown): Promise<void> {
  const early: RunControl[] = []
  const state: Running = { abort: new AbortController(), acknowledged: [], control: control => early.push(control) }
  running.set(id, state)
  // The caller's types pair operation and input; here the pair has just come over the channel.
  const handler = (await HANDLERS[operation]()) as Handler<OperationName>
  // While a command runs there is time to load what comes after it.
  if (operation === 'run') void HANDLERS.diff()
  try {
    const output = await handler(input as Parameters<typeof handler>[0], {
      signal: state.abort.signal,
      host,
      emit: event =>
        new Promise(resolve => {
          state.acknowledged.push(resolve)
          send({ kind: 'event', id, event })
        }),
      onControl: listener => {
        state.control = listener
        for (const control of early.splice(0)) listener(control)
      },
    })
    send({ kind: 'result', id, output })
  } catch (error) {
    send({ kind: 'failure', id, error: wireError(error) })
  } finally {
    running.delete(id)
  }
}

function wireError(error: unknown): WireError {
  if (error instanceof ShaleError) {
    const { code, message, hint, exitCode } = error
    return { code, message, hint, exitCode }
  }
  const { name, message } = error as Error
  if (name === 'AbortError') return { code: 'ABORTED', message }
  if (!isErrno(error)) return { code: 'HELPER_FAILED', message }
  // write(2) does not know its file; whoever reads of a full disk wants to know which disk, and we are in the store.
  const { code = '', syscall, path = syscall === 'write' ? process.cwd() : undefined } = error
  return { code, message, syscall, path }
}

process.on('message', (message: ToHelper) => {
  switch (message.kind) {
    case 'request':
      void serve(message.id, message.operation, message.input)
      break
    case 'cancel': {
      const state = running.get(message.id)
      state?.abort.abort()
      // Nobody takes what is still to come.
      for (const resolve of state?.acknowledged.splice(0) ?? []) resolve()
      break
    }
    case 'received':
      running.get(message.id)?.acknowledged.shift()?.()
      break
    case 'control':
      running.get(message.id)?.control(message.control)
      break
  }
})

// The kernel ends everything else in the PID namespace with its first process, which this one is. A terminal's reader is
// blocked in a thread, which Node waits for, until the last process at that terminal has ended.
process.on('disconnect', () => {
  for (const { abort } of running.values()) abort.abort()
  process.exit(0)
})
// What is sent to all of the caller's processes is for the caller to act on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const) {
  process.on(signal, () => {})
}

// Most helpers are started to run something; Node takes longer to start than all that comes before it is needed.
prepareSpare(host)
send({ kind: 'ready' })
