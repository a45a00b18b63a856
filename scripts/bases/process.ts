import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { ShaleError } from '../../src/error.ts'

/** How a process ended; `code` is 128 + the signal's number as shells have it when a signal ended it. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Written to standard input; without it standard input is empty. */
  readonly input?: string | Uint8Array | undefined
  /** The process group is killed after this time; 10 minutes if absent. */
  readonly timeoutMs?: number | undefined
}

const DEFAULT_TIMEOUT_MS = 10 * 60_000

/** Runs a command to its end, whatever its exit code. Throws only if it cannot be started. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const spawnOptions: SpawnOptions = {
    detached: true,
    stdio: 'pipe',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  }
  const child = spawn(command, args, spawnOptions)
  return collect(child, options)
}

function collect(child: ChildProcess, options: RunOptions): Promise<Outcome> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
  // The command may end without reading its input; that is its right.
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input ?? '')
  const timer = setTimeout(() => killGroup(child, 'SIGKILL'), options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  return new Promise((resolve, reject) => {
    child.on('error', error => {
      clearTimeout(timer)
      reject(error)
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({
        code: code ?? signalCode(signal),
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      })
    })
  })
}

/** Runs a command that must succeed and returns its standard output; else throws with the end of what it said. */
export async function mustRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await run(command, args, options)
  if (outcome.code === 0) return outcome.stdout
  const said = `${outcome.stdout}\n${outcome.stderr}`.trim().split('\n').slice(-15).join('\n')
  throw new ShaleError('COMMAND_FAILED', `${command} ${args.join(' ')} ended with ${outcome.code}:\n${said}`)
}

/** Signals a child started with `detached` and everything in its process group. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The group has already ended.
  }
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
}

function signalCode(signal: NodeJS.Signals | null): number {
  return 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0)
}
