import { isErrno } from '../error.ts'
import { dispatch, type Helper, type RunOptions, runningCommand } from './helper.ts'
import { dropSpare, prepareSpare } from './ops/init-process.ts'
import { HANDLERS } from './ops/registry.ts'
import type { Event, Handler, HelperHost, Input, OperationName, Output } from './protocol.ts'
import { isPlain, type RunControl, type RunEvent, type RunRequest } from './run-request.ts'

/** The machine's root needs no process with other rights. */
const HOST: HelperHost = { rootless: false, singleUser: false, ttyGroup: true, contains: false }

/** What takes no time; all else would hold up what goes on in this process. */
const SHORT: readonly OperationName[] = ['readFile', 'removeTree']

/**
 * A helper that runs commands from this process: what a container mounts, it mounts by itself. `open` starts a helper
 * process for what is left: work on trees, other runtimes, and what must be mounted before the container is there.
 * `root` is the store's folder.
 */
export function directHelper(root: string, treesAtOnce: boolean, open: () => Promise<Helper>): Helper {
  prepareSpare(HOST)
  const over = new AbortController()
  const running = new Set<Promise<unknown>>()
  let opened: Promise<Helper> | undefined
  const other = (): Promise<Helper> => {
    opened ??= open()
    return opened
  }
  if (treesAtOnce) other().catch(() => {})
  const here = <K extends OperationName>(
    operation: K,
    input: Input<K>,
    options: RunOptions = {},
  ): Promise<Output<K>> => {
    const done = perform(operation, input, options, over.signal).catch(error => {
      throw options.signal?.aborted === true ? options.signal.reason : withPath(error, root)
    })
    running.add(done)
    void done.catch(() => {}).finally(() => running.delete(done))
    return done
  }
  // Whoever runs the container enters it, too.
  let outside: Helper | undefined
  return {
    rootless: false,
    limits: [],
    call: async (operation, input, options) =>
      SHORT.includes(operation)
        ? await here(operation, input, { signal: options?.signal })
        : await (await other()).call(operation, input, options),
    run: async (request, options) => {
      outside = runsHere(request) ? undefined : await other()
      return outside === undefined ? await here('run', request, options) : await outside.run(request, options)
    },
    exec: async (request, options) =>
      outside === undefined ? await here('exec', request, options) : await outside.exec(request, options),
    hostPid: pid => (outside === undefined ? pid : outside.hostPid(pid)),
    close: async () => {
      over.abort()
      dropSpare()
      await Promise.allSettled(running)
      await (await opened?.catch(() => undefined))?.close()
    },
  }
}

function runsHere({ config: { runtime = 'builtin', terminal }, mounts = [] }: RunRequest): boolean {
  return runtime === 'builtin' && terminal === undefined && mounts.every(isPlain)
}

async function perform<K extends OperationName>(
  operation: K,
  input: Input<K>,
  { signal, onRunning, ...listeners }: RunOptions,
  over: AbortSignal,
): Promise<Output<K>> {
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
