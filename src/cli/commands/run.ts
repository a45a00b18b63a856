import type { PullImage } from '../../build/base-image.ts'
import { parseExtraHost } from '../../build/extra-host.ts'
import { type RunImageOptions, runImage } from '../../container/run.ts'
import { ShaleError } from '../../error.ts'
import { familiarReference, parseReference } from '../../oci/reference.ts'
import type { RunningCommand } from '../../sandbox/helper.ts'
import type { Store } from '../../store/types.ts'
import { type Context, command, type Input } from '../command.ts'
import { isolationOf } from '../isolation-flags.ts'
import { mountsOf } from '../mount-options.ts'
import { chosenPlatform } from '../platform-flag.ts'
import { withRegistryClient } from '../registry-client.ts'
import { environment, runFlags } from '../run-options.ts'
import { type SignalProxy, signalProxy } from '../signal-proxy.ts'
import { windowSize } from '../window-size.ts'

/** docker's exit code for errors of its own, so that they are not taken for the command's. */
const OWN_FAILURE = 125

export default command({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  about: 'Run a command in a container from an image, in the foreground. What it writes is gone when it has ended.',
  examples: [
    ['run --rm myapp:1.0', 'what the image is for'],
    ['run --rm -it debian:trixie bash', 'a shell in it'],
    ['run --rm -v ./data:/data:ro -e MODE=test myapp:1.0 check /data', 'with a folder and a variable'],
  ],
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: runFlags,
  passThrough: true,
  failure: OWN_FAILURE,
  async run(context, input) {
    const options = {
      ...runOptions(context, input),
      isolation: await isolationOf(input.flags, (input.flags.network ?? input.flags.net) !== 'none'),
    }
    const store = await context.store()
    const signals = signalProxy()
    const pull = pullWithProgress(context, store, input.flags.quiet, signals.interrupted)
    const relay = await relayFor(input, signals)
    try {
      const result = await runImage(
        store,
        { ...options, onRunning: relay.begin, signal: signals.interrupted },
        { pull },
      )
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
  },
})

/** What goes from us to the command while it runs: signals, and with a terminal its size and what is typed. */
async function relayFor({ flags }: Input<typeof runFlags>, signals: SignalProxy) {
  const terminal = flags.tty ? await import('../relay-terminal.ts') : undefined
  let endings: (() => void)[] = []
  return {
    begin(command: RunningCommand) {
      signals.passTo(command)
      if (terminal === undefined) return
      endings = [
        terminal.followWindow(command),
        ...(flags.interactive ? [terminal.relayKeys(command, signals.abort)] : []),
      ]
    },
    end() {
      for (const end of endings.splice(0)) end()
    },
  }
}

function runOptions(context: Context, { args, flags }: Input<typeof runFlags>): RunImageOptions {
  const [image = '', ...words] = args
  if (flags.workdir !== undefined && !flags.workdir.startsWith('/')) {
    throw new ShaleError(
      'INVALID_WORKDIR',
      `the working directory ${JSON.stringify(flags.workdir)} is invalid, it needs to be an absolute path`,
    )
  }
  if (flags.interactive && flags.tty && !process.stdin.isTTY) {
    throw new ShaleError('NO_TERMINAL', 'the input device is not a TTY', { hint: 'leave out -t', exitCode: 1 })
  }
  return {
    image,
    command: words,
    entrypoint: flags.entrypoint,
    env: environment(flags.envFile, flags.env, context.env),
    workdir: flags.workdir,
    user: flags.user,
    mounts: mountsOf(flags, process.cwd()),
    network: (flags.network ?? flags.net) as 'host' | 'none' | undefined,
    hostname: flags.hostname,
    addHosts: flags.addHost.map(parseExtraHost),
    readonlyRoot: flags.readOnly,
    groupAdd: flags.groupAdd,
    platform: chosenPlatform(flags.platform, context),
    pull: flags.pull as RunImageOptions['pull'],
    streams: flags.tty ? windowSize() : flags.interactive ? 'inherit' : 'output',
    onWarning: message => context.err.write(`Warning: ${message}\n`),
    onOutput: ({ stream, chunk }) => (stream === 'stdout' ? context.out : context.err).write(chunk),
  }
}

function pullWithProgress(context: Context, store: Store, quiet: boolean, signal: AbortSignal): PullImage {
  return async (name, platform) => {
    const { pullImage } = await import('../../registry/client/pull.ts')
    const { showTransfer } = await import('../progress/transfer.ts')
    const { err, debug } = context
    const progress = quiet ? undefined : showTransfer('pull', { out: err, err, debug })
    if (!quiet) context.err.write(`Unable to find image '${familiarReference(parseReference(name))}' locally\n`)
    try {
      await withRegistryClient(context, client =>
        pullImage(store, name, { platform, onEvent: progress?.onEvent, signal, client }),
      )
    } finally {
      progress?.end()
    }
  }
}
