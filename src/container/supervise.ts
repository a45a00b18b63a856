import { mkdirSync } from 'node:fs'
import type { Helper, RunningCommand } from '../sandbox/helper.ts'
import type { RunConfig, RunOutput, RunRequest, RunResult } from '../sandbox/run-request.ts'
import type { ContainerChange, ContainerRow } from '../store/containers.ts'
import { listen } from './channel.ts'
import type { ContainerFolder } from './folder.ts'
import { type Health, watchHealth } from './health.ts'
import { logWriter } from './log-writer.ts'
import { type ContainerOptions, optionsOf } from './options.ts'
import { restartDelay } from './restart-policy.ts'
import { serve, stop } from './serve-container.ts'
import { signalName } from './signal-name.ts'

/** A container whose record says that we look after it. */
export interface Supervised {
  readonly helper: Helper
  readonly request: RunRequest
  readonly folder: ContainerFolder
  readonly options: Pick<ContainerOptions, 'log' | 'restart' | 'autoRemove' | 'stopSignal' | 'stopTimeout' | 'health'>
  /** Changes the record; gives it as it was before, undefined when there is none any more. */
  readonly record: (change: ContainerChange) => ContainerRow | undefined
  /** Aborting ends the container at once. */
  readonly signal?: AbortSignal | undefined
  readonly onOutput?: ((output: RunOutput) => void | Promise<void>) | undefined
  readonly onRunning?: ((command: RunningCommand) => void) | undefined
  /** The command runs, for the first time. */
  readonly onStarted?: (() => void) | undefined
  /** The command waits for this, which is given when somebody attaches. */
  readonly beforeRun?: ((attached: Promise<void>) => Promise<void>) | undefined
  /** Is given what ends the container as its options say. */
  readonly onStopping?: ((stop: () => void) => void) | undefined
}

/** What is going on now, for those who ask over the socket. */
export interface Live {
  readonly helper: Helper
  readonly config: RunConfig
  command: RunningCommand | undefined
  /** The container's first process as the helper names it. */
  pid: number | undefined
  /** Everyone who wants what it writes. */
  readonly listeners: Set<(output: RunOutput) => Promise<void>>
  readonly attached: PromiseWithResolvers<void>
  /** Somebody wants it to end; ends a wait for the next start. */
  readonly stopping: AbortController
}

/**
 * Runs the container's command, again and again where its policy says so, keeps its record and log, answers at its
 * socket, and gives how it ended last. Throws when the sandbox cannot be made; the record is whole then too.
 */
export async function supervise(supervised: Supervised): Promise<RunResult> {
  const { helper, folder, options } = supervised
  const log = logWriter(folder.log, options.log)
  const live: Live = {
    helper,
    config: supervised.request.config,
    command: undefined,
    pid: undefined,
    listeners: new Set(),
    attached: Promise.withResolvers(),
    stopping: new AbortController(),
  }
  const { close } = await serve(live, onConnection => listen(folder.path, folder.socket, onConnection))
  supervised.onStopping?.(() => {
    const { stopSignal, stopTimeout } = options
    stop(live, signalName(stopSignal), stopTimeout < 0 ? undefined : stopTimeout * 1000)
  })
  let exitCode = 125
  try {
    await supervised.beforeRun?.(live.attached.promise)
    const result = await runUntilDone(supervised, live, async output => {
      log.write(output)
      for (const listener of live.listeners) await listener(output)
      await supervised.onOutput?.(output)
    })
    exitCode = result.exitCode
    return result
  } finally {
    log.close()
    // Last, for whoever waits for its end asks the record next.
    close(exitCode)
  }
}

async function runUntilDone(
  supervised: Supervised,
  live: Live,
  onOutput: (output: RunOutput) => Promise<void>,
): Promise<RunResult> {
  for (let failures = 0; ; ) {
    const began = Date.now()
    const result = await runOnce(supervised, live, onOutput)
    const stopped = live.stopping.signal.aborted
    const ranWell = Date.now() - began > 10_000
    const delay =
      stopped || result.startError !== undefined
        ? undefined
        : restartDelay(policyOf(supervised), result, { failures, ranWell })
    const ended = endOf(result)
    if (delay === undefined) {
      supervised.record({
        ...ended,
        status: supervised.options.autoRemove ? 'removing' : result.startError === undefined ? 'exited' : 'created',
        keeper: undefined,
      })
      return result
    }
    failures++
    const before = supervised.record({ ...ended, status: 'restarting' })
    await pause(delay, live.stopping.signal)
    if (live.stopping.signal.aborted || before === undefined) {
      supervised.record({ status: 'exited', keeper: undefined })
      return result
    }
    supervised.record({ restarts: before.restarts + 1 })
    await emptyWork(supervised.helper, supervised.request.work)
  }
}

/** As it is now: `update` may have changed it. */
function policyOf({ record, options }: Supervised): ContainerOptions['restart'] {
  const row = record({})
  return row === undefined ? options.restart : optionsOf(row).restart
}

/** What overlayfs left there belongs to nobody any more. */
export async function emptyWork(helper: Helper, work: string): Promise<void> {
  await helper.call('removeTree', { path: work })
  mkdirSync(work)
}

function endOf(result: RunResult): ContainerChange {
  return {
    pid: undefined,
    finishedAt: Date.now(),
    exitCode: result.exitCode,
    oomKilled: result.oomKilled,
    error: result.startError ?? '',
  }
}

async function runOnce(
  { helper, request, options, record, signal, onRunning, onStarted }: Supervised,
  live: Live,
  onOutput: (output: RunOutput) => Promise<void>,
): Promise<RunResult> {
  const over = new AbortController()
  try {
    return await helper.run(request, {
      signal,
      onOutput,
      onRunning: command => {
        live.command = command
        onRunning?.(command)
      },
      onStarted: pid => {
        live.pid = pid
        record({
          status: 'running',
          pid: helper.hostPid(pid),
          startedAt: Date.now(),
          finishedAt: undefined,
          error: '',
        })
        onStarted?.()
        if (options.health === undefined) return
        const note = (health: Health): void => void record({ health: JSON.stringify(health) })
        const watched = { helper, pid, config: request.config, options: options.health, record: note }
        void watchHealth({ ...watched, signal: over.signal })
      },
    })
  } catch (error) {
    const interrupted = signal?.aborted === true
    record({
      status: interrupted ? 'exited' : 'created',
      pid: undefined,
      keeper: undefined,
      ...(interrupted && { finishedAt: Date.now() }),
      exitCode: interrupted ? 137 : 125,
      error: interrupted ? '' : (error as Error).message,
    })
    throw error
  } finally {
    over.abort()
    live.command = undefined
    live.pid = undefined
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
