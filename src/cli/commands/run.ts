import type { RunImageOptions } from '../../container/run.ts'
import { ShaleError } from '../../error.ts'
import type { RunningCommand } from '../../sandbox/helper.ts'
import { type Context, command, type Input } from '../command.ts'
import { cidfile, containerRequest, pullWithProgress } from '../container-request.ts'
import { boolean } from '../flag.ts'
import { containerFlags } from '../run-options.ts'
import { type SignalProxy, signalProxy } from '../signal-proxy.ts'

/** docker's exit code for errors of its own, so that they are not taken for the command's. */
const OWN_FAILURE = 125

const flags = {
  ...containerFlags,
  detach: boolean('Leave it running in the background and print its ID', { short: 'd' }),
}

export default command({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  about:
    'Run a command in a new container from an image. With -d it goes on by itself; else what it writes comes here, and\n' +
    'the exit code is the command’s. Without --rm the container stays when it has ended.',
  examples: [
    ['run --rm myapp:1.0', 'what the image is for'],
    ['run -d --name web --restart unless-stopped myapp:1.0', 'in the background, for good'],
    ['run --rm -it debian:trixie bash', 'a shell in it'],
    ['run --rm -p 8080:80 web:1.0', 'with its port 80 at port 8080 of this machine'],
    ['run --rm -v ./data:/data:ro -e MODE=test myapp:1.0 check /data', 'with a folder and a variable'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags,
  passThrough: true,
  failure: OWN_FAILURE,
  async run(context, input) {
    const noteId = cidfile(input.flags.cidfile)
    const options = await containerRequest(context, input)
    return input.flags.detach
      ? await runDetached(context, input, options, noteId)
      : await runAttached(context, input, options, noteId)
  },
})

async function runDetached(
  context: Context,
  { flags: { quiet } }: Input<typeof flags>,
  options: RunImageOptions,
  noteId: (id: string) => void,
): Promise<number> {
  const store = await context.store()
  const { createFrom } = await import('../../container/create-from.ts')
  const { startContainer } = await import('../../container/start.ts')
  const onWarning = (message: string) => context.err.write(`Warning: ${message}\n`)
  const row = await createFrom(store, options, { pull: pullWithProgress(context, store, quiet) }, onWarning)
  noteId(row.id)
  await startContainer(store, row, { onWarning })
  context.out.write(`${row.id}\n`)
  return 0
}

async function runAttached(
  context: Context,
  input: Input<typeof flags>,
  options: RunImageOptions,
  noteId: (id: string) => void,
): Promise<number> {
  if (input.flags.interactive && input.flags.tty && !process.stdin.isTTY) {
    throw new ShaleError('NO_TERMINAL', 'the input device is not a TTY', { hint: 'leave out -t', exitCode: 1 })
  }
  const store = await context.store()
  const { runImage } = await import('../../container/run.ts')
  const signals = signalProxy()
  const pull = pullWithProgress(context, store, input.flags.quiet, signals.interrupted)
  const openHelper = () => context.helper()
  const relay = await relayFor(input, signals)
  const hooks = {
    onWarning: (message: string) => context.err.write(`Warning: ${message}\n`),
    onOutput: ({ stream, chunk }: { stream: 'stdout' | 'stderr'; chunk: Uint8Array }) =>
      (stream === 'stdout' ? context.out : context.err).write(chunk),
    onCreated: noteId,
    onRunning: relay.begin,
    signal: signals.interrupted,
  }
  try {
    const result = await runImage(store, { ...options, ...hooks }, { pull, openHelper })
    relay.end()
    if (result.startError !== undefined) context.err.write(`ERROR: ${result.startError}\n`)
    return result.exitCode
  } catch (error) {
    // Whatever an interruption has broken, the interruption is what to tell about.
    throw signals.interrupted.aborted ? signals.interrupted.reason : error
  } finally {
    relay.end()
    signals.end()
  }
}

/** What goes from us to the command while it runs: signals, and with a terminal its size and what is typed. */
async function relayFor({ flags: { tty, interactive } }: Input<typeof flags>, signals: SignalProxy) {
  const terminal = tty ? await import('../relay-terminal.ts') : undefined
  let endings: (() => void)[] = []
  return {
    begin(running: RunningCommand) {
      signals.passTo(running)
      if (terminal === undefined) return
      endings = [terminal.followWindow(running), ...(interactive ? [terminal.relayKeys(running, signals.abort)] : [])]
    },
    end() {
      for (const end of endings.splice(0)) end()
    },
  }
}
