import { existsSync } from 'node:fs'
import { isErrno, ShaleError } from '../error.ts'
import { dispatch, type Helper, helperEnded, type RunOptions, runningCommand } from './helper.ts'
import { dropSpare, prepareSpare } from './ops/init-process.ts'
import { HANDLERS } from './ops/registry.ts'
import type { Event, Handler, HelperHost, Input, OperationName, Output } from './protocol.ts'
import { isPlain, type RunControl, type RunEvent, type RunRequest } from './run-request.ts'

/** The machine's root needs no process with other rights. */
const HOST: HelperHost = { rootless: false, singleUser: false, ttyGroup: true, contains: false }

export interface DirectOptions {
  /** The store's folder. */
  readonly root: string
  readonly runs: boolean
  /** Starts a helper process for what cannot be done here. */
  readonly open: () => Promise<Helper>
}

/**
 * A helper that is this process: root needs no other rights, and what a container mounts, it mounts by itself. Other
 * runtimes, and what must be mounted before the container is there (a terminal, a network), are for a process with mounts
 * of its own.
 */
export function directHelper({ root, runs, open }: DirectOptions): Helper {
  if (!existsSync(root)) throw new ShaleError('STORE_MISSING', `there is no store at ${root}`)
  if (runs) prepareSpare(HOST)
  const over = new AbortController()
  const running = new Set<Promise<unknown>>()
  let opened: Promise<Helper> | undefined
  const here = <K extends OperationName>(
    operation: K,
    input: Input<K>,
    options: RunOptions = {},
  ): Promise<Output<K>> => {
    const done = perform(operation, input, options, over.signal).catch(error => {
      if (options.signal?.aborted === true) throw options.signal.reason
      throw over.signal.aborted ? over.signal.reason : withPath(error, root)
    })
    running.add(done)
    void done.catch(() => {}).finally(() => running.delete(done))
    return done
  }
  // Whoever runs the container enters it, too, and knows its processes by their numbers.
  let outside: Helper | undefined
  return {
    rootless: false,
    limits: [],
    call: (operation, input, options) =>
      outside === undefined
        ? here(operation, input, { signal: options?.signal })
        : outside.call(operation, input, options),
    run: async (request, options) => {
      if (!runsHere(request)) opened ??= open()
      outside = runsHere(request) ? undefined : await opened
      return outside === undefined ? await here('run', request, options) : await outside.run(request, options)
    },
    exec: async (request, options) =>
      outside === undefined ? await here('exec', request, options) : await outside.exec(request, options),
    hostPid: pid => (outside === undefined ? pid : outside.hostPid(pid)),
    close: async () => {
      over.abort(helperEnded('closed'))
      dropSpare()
      await Promise.allSettled(running)
      await (await opened?.catch(() => undefined))?.close()
    },
  }
}

function runsHere({ config: { runtime = 'builtin', terminal }, network, mounts = [] }: RunRequest): boolean {
  return runtime === 'builtin' && terminal === undefined && network === undefined && mounts.every(isPlain)
}

async function perform<K extends OperationName>(
  operation: K,
  input: Input<K>,
  { signal, onRunning, ...listeners }: RunOptions,
  over: AbortSignal,
): Promise<Output<K>> {
  signal?.throwIfAborted()
  over.throwIfAborted()
  const handler = (await HANDLERS[operation]()) as Handler<K>
  const early: RunControl[] = []
  let control = (each: RunControl): void => void early.push(each)
  onRunning?.(runningCommand(each => control(each)))
  return await handler(input, {
    signal: signal === undefined ? over : AbortSignal.any([signal, over]),
    host: HOST,
    emit: async (event: Event<K>) => await dispatch(event as RunEvent, listeners),
    onControl: listener => {
      control = listener
      for (const each of early.splice(0)) listener(each)
    },
  })
}

/** write(2) does not know its file; whoever reads of a full disk wants to know which disk. */
function withPath(error: unknown, root: string): unknown {
  return isErrno(error) && error.syscall === 'write' && error.path === undefined
    ? Object.assign(error, { path: root })
    : error
}
