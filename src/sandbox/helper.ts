import type { ChildProcess } from 'node:child_process'
import { ShaleError } from '../error.ts'
import { hostPid } from './host-pid.ts'
import { userNamespace } from './identity.ts'
import type { Event, FromHelper, Input, OperationName, Output, ToHelper, WireError } from './protocol.ts'
import type {
  ExecRequest,
  RunControl,
  RunEvent,
  RunOutput,
  RunRequest,
  RunResult,
  TerminalSize,
} from './run-request.ts'
import { spawnHelper } from './spawn-helper.ts'

export interface HelperOptions {
  /** Root folder of the store. */
  readonly root: string
  /** Work in a user namespace; default: unless we are root. */
  readonly rootless?: boolean
  /** It will be asked to run commands, so a process is made ready for the first. Default true. */
  readonly runs?: boolean
  /** A process of its own even where root could do without. Default false. */
  readonly separate?: boolean
}

export interface CallOptions<K extends OperationName> {
  readonly signal?: AbortSignal | undefined
  /** A returned promise holds the sender back until it resolves. */
  readonly onEvent?: ((event: Event<K>) => void | Promise<void>) | undefined
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined
  readonly onOutput?: ((output: RunOutput) => void | Promise<void>) | undefined
  /** Called once, before `run` returns, unless it throws. */
  readonly onRunning?: ((command: RunningCommand) => void) | undefined
  /** Called when it is the command itself that runs, with its process ID as the helper names it. */
  readonly onStarted?: ((pid: number) => void) | undefined
}

/** A command that runs or is about to; after its end all of these do nothing. */
export interface RunningCommand {
  /** Sends its first process a signal, as soon as there is one. The kernel drops those that it does not handle. */
  signal(signal: NodeJS.Signals): void
  /** Types at its terminal, or writes to an open standard input. */
  type(chunk: Uint8Array): void
  /** Closes an open standard input. */
  endInput(): void
  /** Changes the size of its terminal's window. */
  resize(size: TerminalSize): void
}

/** A process in namespaces of its own that mounts, unpacks and runs; it ends with the process that has opened it. */
export interface Helper {
  readonly rootless: boolean
  /** What cannot be done as this user, each a sentence for a person; empty for root. */
  readonly limits: readonly string[]
  /** Requests run concurrently. Aborting ends what the operation has started at once and rejects with the signal's reason. */
  call<K extends OperationName>(operation: K, input: Input<K>, options?: CallOptions<K>): Promise<Output<K>>
  run(request: RunRequest, options?: RunOptions): Promise<RunResult>
  /** A further command in a container that `run` of this helper has started. */
  exec(request: ExecRequest, options?: RunOptions): Promise<RunResult>
  /** What a process that `onStarted` named is called outside; undefined when it has ended. */
  hostPid(pid: number): number | undefined
  /** Ends it with everything that it runs; idempotent. */
  close(): Promise<void>
}

interface Pending {
  resolve(output: unknown): void
  reject(error: unknown): void
  event(event: unknown): void | Promise<void>
}

/**
 * Starts the helper; throws `SANDBOX_UNAVAILABLE` with what to do when this machine does not let us. For the machine's
 * root this process does the work itself, as far as nothing must be mounted for it: then that is found out by the first run.
 */
export async function openHelper({ root, rootless, runs = true, separate = false }: HelperOptions): Promise<Helper> {
  const asUser = rootless ?? process.geteuid?.() !== 0
  const open = async (): Promise<Helper> => {
    const spawned = await spawnHelper(root, asUser)
    return connect(spawned.child, spawned.rootless, spawned.limits)
  }
  if (separate || asUser || userNamespace().kind !== 'host') return await open()
  const { directHelper } = await import('./direct-helper.ts')
  return directHelper({ root, runs, open })
}

function connect(child: ChildProcess, rootless: boolean, limits: readonly string[]): Helper {
  const pending = new Map<number, Pending>()
  let nextId = 1
  const post = (message: ToHelper): void => {
    if (child.connected) child.send(message, () => {})
  }
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.on('exit', (code, signal) => {
    const error = helperEnded(signal ?? code)
    for (const each of pending.values()) each.reject(error)
    pending.clear()
  })
  child.on('message', (message: FromHelper) => void receive(message, pending, post))
  // Only work that goes on is a reason for our own process to stay.
  child.unref()
  child.channel?.unref()
  const call = <K extends OperationName>(
    operation: K,
    input: Input<K>,
    options: CallOptions<K> & Controllable = {},
  ): Promise<Output<K>> => {
    options.signal?.throwIfAborted()
    if (!child.connected) return Promise.reject(helperEnded('before'))
    const id = nextId++
    const cancel = (): void => post({ kind: 'cancel', id })
    return new Promise<Output<K>>((resolve, reject) => {
      child.channel?.ref()
      pending.set(id, {
        resolve: output => resolve(output as Output<K>),
        reject: error => reject(options.signal?.aborted === true ? options.signal.reason : error),
        event: event => options.onEvent?.(event as Event<K>),
      })
      options.signal?.addEventListener('abort', cancel, { once: true })
      post({ kind: 'request', id, operation, input })
      options.onRunning?.(runningCommand(control => pending.has(id) && post({ kind: 'control', id, control })))
    }).finally(() => {
      options.signal?.removeEventListener('abort', cancel)
      if (pending.size === 0) child.channel?.unref()
    })
  }
  return {
    rootless,
    limits,
    call,
    run: (request, { signal, onRunning, ...listeners } = {}) =>
      call('run', request, { signal, onEvent: event => dispatch(event, listeners), onRunning }),
    exec: (request, { signal, onRunning, ...listeners } = {}) =>
      call('exec', request, { signal, onEvent: event => dispatch(event, listeners), onRunning }),
    hostPid: pid => hostPid(child.pid ?? 0, pid),
    close: async () => {
      child.ref()
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

export function dispatch(event: RunEvent, { onOutput, onStarted }: RunOptions): void | Promise<void> {
  return 'pid' in event ? onStarted?.(event.pid) : onOutput?.(event)
}

type Controllable = Pick<RunOptions, 'onRunning'>

export function runningCommand(post: (control: RunControl) => void): RunningCommand {
  return {
    signal: signal => post({ kind: 'signal', signal }),
    type: chunk => post({ kind: 'input', chunk }),
    endInput: () => post({ kind: 'end-input' }),
    resize: size => post({ kind: 'resize', size }),
  }
}

export function helperEnded(how: string | number | null): ShaleError {
  return new ShaleError('HELPER_ENDED', `the helper process has ended (${how})`)
}

async function receive(
  message: FromHelper,
  pending: Map<number, Pending>,
  post: (message: ToHelper) => void,
): Promise<void> {
  if (message.kind === 'ready') return
  const waiting = pending.get(message.id)
  if (waiting === undefined) return
  switch (message.kind) {
    case 'event':
      await waiting.event(message.event)
      post({ kind: 'received', id: message.id })
      break
    case 'result':
      pending.delete(message.id)
      waiting.resolve(message.output)
      break
    case 'failure': {
      pending.delete(message.id)
      waiting.reject(errorOf(message.error))
      break
    }
  }
}

/** System errors stay what they are: whoever prints them has words for them. */
function errorOf({ code, message, hint, exitCode, syscall, path }: WireError): Error {
  if (syscall === undefined) return new ShaleError(code, message, { hint, exitCode })
  return Object.assign(new Error(message), { code, syscall, ...(path !== undefined && { path }) })
}
