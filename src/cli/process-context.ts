import { writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { ShaleError } from '../error.ts'
import type { Helper } from '../sandbox/helper.ts'
import type { LocalStore } from '../store/open.ts'
import type { Context, Output } from './command.ts'
import type { Globals } from './globals.ts'

/** What a program that writes into a closed pipe ends with: 128 + SIGPIPE. */
const BROKEN_PIPE = 141

/** The command's view of this process, and what to call at its end. */
export function processContext(globals: Globals): { readonly context: Context; readonly end: () => Promise<void> } {
  const root = globals.root ?? process.env.SHALE_ROOT
  const interruption = new AbortController()
  let store: Promise<LocalStore> | undefined
  let helper: Promise<Helper> | undefined
  const interrupt = (signal: NodeJS.Signals) => {
    const exitCode = signal === 'SIGINT' ? 130 : 143
    // The second time, the user means it.
    if (interruption.signal.aborted) process.exit(exitCode)
    interruption.abort(new ShaleError('INTERRUPTED', `interrupted by ${signal}`, { exitCode }))
  }
  const context: Context = {
    out: output(1, process.stdout),
    err: output(2, process.stderr),
    env: environment(globals),
    root: root === undefined || root === '' ? undefined : resolve(root),
    debug: globals.debug,
    get signal() {
      // Until a command says that it can be interrupted, Ctrl-C just ends it.
      if (process.listenerCount('SIGINT') === 0) process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
      return interruption.signal
    },
    store() {
      store ??= openStoreAt(context.root)
      return store
    },
    helper(options) {
      helper ??= startHelper(context.root, options?.separate).catch(error => {
        // There may be a store when it is asked for again.
        helper = undefined
        throw error
      })
      return helper
    },
  }
  const end = async () => {
    const [started, opened] = await Promise.all([helper?.catch(() => undefined), store?.catch(() => undefined)])
    await started?.close()
    opened?.close()
  }
  return { context, end }
}

/** Global flags that stand for variables are passed on as these, for everything that looks there. */
function environment({ offline, registriesConfig }: Globals): NodeJS.ProcessEnv {
  if (!offline && registriesConfig === undefined) return process.env
  return {
    ...process.env,
    ...(offline && { SHALE_OFFLINE: '1' }),
    ...(registriesConfig !== undefined && { SHALE_REGISTRIES: registriesConfig }),
  }
}

async function openStoreAt(root: string | undefined): Promise<LocalStore> {
  const { openStore } = await import('../store/open.ts')
  const { treeRemover } = await import('../sandbox/remove-tree.ts')
  const folder = await storeFolder(root)
  return openStore({ root: folder, removeTree: treeRemover(folder) })
}

async function startHelper(root: string | undefined, separate = false): Promise<Helper> {
  const { openHelper } = await import('../sandbox/helper.ts')
  return await openHelper({ root: await storeFolder(root), separate })
}

async function storeFolder(root: string | undefined): Promise<string> {
  if (root !== undefined) return root
  const { defaultRoot } = await import('../store/layout.ts')
  return defaultRoot(process.env, process.getuid?.() ?? 0)
}

/** Writes with write(2): in order with what child processes write to the same terminal, and done when it returns. */
function output(fd: number, stream: NodeJS.WriteStream): Output {
  return {
    write: data => writeAll(fd, typeof data === 'string' ? Buffer.from(data, 'utf8') : data),
    isTerminal: stream.isTTY === true,
    canRedraw: stream.isTTY === true && process.env.TERM !== 'dumb',
    // Asked anew each time: the window may have changed.
    get columns() {
      return stream.columns > 0 ? stream.columns : columnsOf(process.env.COLUMNS)
    },
    get rows() {
      return stream.rows > 0 ? stream.rows : 24
    },
  }
}

/** Where the output is no terminal, COLUMNS may say how wide its reader's is; 80 if it does not. */
function columnsOf(text: string | undefined): number {
  const columns = /^\d{1,4}$/.test(text ?? '') ? Number(text) : 0
  return columns > 0 ? columns : 80
}

function writeAll(fd: number, data: Uint8Array): void {
  let at = 0
  while (at < data.byteLength) {
    try {
      at += writeSync(fd, data, at)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EPIPE') process.exit(BROKEN_PIPE)
      // The other end of a non-blocking pipe is slow: give it a moment.
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
