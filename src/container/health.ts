import type { Helper } from '../sandbox/helper.ts'
import type { RunConfig } from '../sandbox/run-request.ts'
import type { HealthOptions } from './options.ts'

/** What the checks of a container have found; JSON in its record. */
export interface Health {
  readonly status: 'starting' | 'healthy' | 'unhealthy'
  /** Checks that failed one after the other, up to now. */
  readonly failingStreak: number
  /** The last five. */
  readonly log: readonly Check[]
}

export interface Check {
  /** RFC 3339. */
  readonly start: string
  readonly end: string
  /** 0 is healthy; -1 when it took too long or could not be started. */
  readonly exitCode: number
  readonly output: string
}

export interface Watched {
  readonly helper: Pick<Helper, 'exec'>
  /** The container's first process as the helper names it. */
  readonly pid: number
  readonly config: RunConfig
  readonly options: HealthOptions
  readonly record: (health: Health) => void
  /** Ends the watch. */
  readonly signal: AbortSignal
}

const KEPT_CHECKS = 5
/** docker keeps so much of what a check says. */
const KEPT_OUTPUT = 4096

export const UNKNOWN_HEALTH: Health = { status: 'starting', failingStreak: 0, log: [] }

/** Checks a container again and again, until told to end. */
export async function watchHealth(watched: Watched): Promise<void> {
  const { options, record, signal } = watched
  const began = Date.now()
  let health = UNKNOWN_HEALTH
  record(health)
  for (;;) {
    const starting = health.status === 'starting' && Date.now() - began < options.startPeriodMs
    await pause(starting ? options.startIntervalMs : options.intervalMs, signal)
    if (signal.aborted) return
    const check = await runCheck(watched)
    if (signal.aborted) return
    health = afterCheck(health, check, options, Date.now() - began)
    record(health)
  }
}

/** A failure in the start period does not count, unless a check was good before. */
export function afterCheck(
  { status, failingStreak, log }: Health,
  check: Check,
  { retries, startPeriodMs }: Pick<HealthOptions, 'retries' | 'startPeriodMs'>,
  sinceStartMs: number,
): Health {
  const kept = [...log, check].slice(-KEPT_CHECKS)
  if (check.exitCode === 0) return { status: 'healthy', failingStreak: 0, log: kept }
  if (status === 'starting' && sinceStartMs < startPeriodMs) return { status, failingStreak, log: kept }
  const streak = failingStreak + 1
  return { status: streak >= retries ? 'unhealthy' : status, failingStreak: streak, log: kept }
}

async function runCheck({ helper, pid, config, options, signal }: Watched): Promise<Check> {
  const start = new Date().toISOString()
  const chunks: Uint8Array[] = []
  const late = AbortSignal.timeout(options.timeoutMs)
  const { terminal: _, ...plain } = config
  const done = (exitCode: number, output: string): Check => ({
    start,
    end: new Date().toISOString(),
    exitCode,
    output: output.slice(0, KEPT_OUTPUT),
  })
  try {
    const { exitCode, startError } = await helper.exec(
      { pid, config: { ...plain, args: options.test, stdio: 'null' } },
      {
        onOutput: ({ chunk }) => {
          if (Buffer.concat(chunks).length < KEPT_OUTPUT) chunks.push(chunk)
        },
        signal: AbortSignal.any([late, signal]),
      },
    )
    return startError === undefined ? done(exitCode, Buffer.concat(chunks).toString()) : done(-1, startError)
  } catch (error) {
    const why = late.aborted ? `Health check exceeded timeout (${options.timeoutMs} ms)` : (error as Error).message
    return done(-1, why)
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal.addEventListener('abort', end)
  })
}
