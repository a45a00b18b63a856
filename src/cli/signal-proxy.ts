import { constants } from 'node:os'
import { ShaleError } from '../error.ts'
import type { RunningCommand } from '../sandbox/helper.ts'

const PASSED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const

/** What becomes of the signals that this process gets on behalf of a command. */
export interface SignalProxy {
  /** Aborted by a signal that comes before there is a command, and by `abort`. */
  readonly interrupted: AbortSignal
  abort(reason: ShaleError): void
  /** From now on every signal is the command's own affair, however often it comes, as with docker. */
  passTo(command: RunningCommand): void
  /** Signals have their usual effect again. */
  end(): void
}

export function signalProxy(): SignalProxy {
  const controller = new AbortController()
  const abort = (reason: ShaleError) => controller.abort(reason)
  let command: RunningCommand | undefined
  const receive = (signal: NodeJS.Signals) => {
    if (command !== undefined) return command.signal(signal)
    const exitCode = 128 + constants.signals[signal]
    // The second time, the user means it.
    if (controller.signal.aborted) process.exit(exitCode)
    abort(new ShaleError('INTERRUPTED', `interrupted by ${signal}`, { exitCode }))
  }
  for (const signal of PASSED) process.on(signal, receive)
  return {
    interrupted: controller.signal,
    abort,
    passTo: running => {
      command = running
    },
    end: () => {
      for (const signal of PASSED) process.off(signal, receive)
    },
  }
}
