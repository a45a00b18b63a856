import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { serialize } from 'node:v8'
import { ShaleError } from '../../error.ts'
import type { ExecInput, InitFailure, InitInput } from '../init/input.ts'

/** A container's first process, waiting for what it is to become. Its streams are ours until it is told of others. */
export interface InitProcess<I = InitInput> {
  /** Tells it what to become. */
  begin(input: I): Beginning
  /** Sends a signal to the container's first process; SIGKILL ends everything in the container. */
  kill(signal: NodeJS.Signals): void
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

export interface Beginning {
  /** Resolves when signals are the command's, or it never will be started. */
  readonly ready: Promise<void>
  /** Resolves with its process ID when it is the command, or undefined when it has ended before that was seen. */
  readonly started: Promise<number | undefined>
  /** Resolves when all is over, with why the command could not be started or undefined when it was. */
  readonly failure: Promise<InitFailure | undefined>
}

/** Bundled, this module and init-main are in one folder; as written, this one is a level below. */
const HERE = fileURLToPath(import.meta.url)
const EXTENSION = extname(HERE)
const INIT_MAIN = fileURLToPath(new URL(EXTENSION === '.ts' ? '../init-main.ts' : './init-main.cjs', import.meta.url))

/** Makes it the first process of a PID namespace of its own. */
const FIRST = ['unshare', '--pid', '--fork', '--kill-child=KILL'] as const

/** Starts it in a container that runs; Node itself cannot go there, for it has threads. */
export function startInside(pid: number): InitProcess<ExecInput> {
  return startInit(['nsenter', `--pid=/proc/${pid}/ns/pid`])
}

function startInit([file, ...words]: readonly [string, ...string[]] = FIRST): InitProcess<InitInput | ExecInput> {
  const child = spawn(file, [...words, process.execPath, INIT_MAIN], {
    stdio: ['inherit', 'inherit', 'pipe', 'pipe', 'pipe', 2],
    // In a session of its own, or Ctrl-C would end it while it waits.
    detached: true,
  })
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', error => reject(cannotStart(error)))
    const said: Buffer[] = []
    child.stderr?.on('data', (chunk: Buffer) => said.push(chunk))
    // Not `exit`: what it has said must have arrived.
    child.once('close', (code, signal) => resolve(outcome(Buffer.concat(said).toString(), code, signal)))
  })
  exited.catch(() => {})
  return {
    begin: input => begin(child, input),
    kill: signal => kill(child, signal),
    exited,
  }
}

/** unshare(1) ends as its child did, but cannot do so by SIGKILL: it complains, and exits with 1. */
function outcome(said: string, code: number | null, signal: NodeJS.Signals | null): Awaited<InitProcess['exited']> {
  return code === 1 && said.includes('sigprocmask') ? { code: null, signal: 'SIGKILL' } : { code, signal }
}

let spare: InitProcess | undefined

/**
 * Has a process ready for the next container: half of what a short RUN takes is Node's start. It waits for its input and
 * costs some memory meanwhile.
 */
export function prepareSpare(): void {
  if (spare !== undefined) return
  const started = startInit()
  spare = started
  void started.exited
    .catch(() => {})
    .finally(() => {
      if (spare === started) spare = undefined
    })
}

/** The spare process, or a new one. */
export function takeInit(): InitProcess {
  const ready = spare ?? startInit()
  spare = undefined
  return ready
}

function begin(child: ChildProcess, input: InitInput | ExecInput): Beginning {
  const [, , , entry, report] = child.stdio as [unknown, unknown, unknown, Writable, Readable]
  entry.on('error', () => {})
  entry.end(serialize(input))
  const ready = new Promise<void>(resolve => {
    report.once('data', () => resolve()).once('close', () => resolve())
  })
  return { ready, failure: readFailure(report), started: ready.then(() => untilCommand(child)) }
}

/** A process that becomes another one says nothing; its command line is another one then. */
async function untilCommand(child: ChildProcess): Promise<number | undefined> {
  while (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const first = childOf(child.pid)
    if (first === 'gone') break
    const command = first === undefined ? '' : commandLine(first)
    if (command !== '' && !command.includes(INIT_MAIN)) return first
    await delay(1)
  }
  return undefined
}

/** Empty for a process that has just ended. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}

/** Ends only with unshare(1), which has the descriptor too. */
async function readFailure(report: Readable): Promise<InitFailure | undefined> {
  const chunks: Buffer[] = []
  report.on('data', (chunk: Buffer) => chunks.push(chunk))
  await finished(report)
  const said = Buffer.concat(chunks).toString().trim()
  return said === '' ? undefined : (JSON.parse(said) as InitFailure)
}

/**
 * Kills the first process itself: that the death of `unshare` does so is lost when the command changes its user.
 */
function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const first = childOf(child.pid)
  // Without a child it has none yet, or none any more and is about to tell how that ended.
  if (first === undefined) signal === 'SIGKILL' && child.kill(signal)
  else if (first !== 'gone') signalFirst(child, first, signal)
}

/** When its child was killed, unshare(1) complains into the command's output; so it goes first, asleep. */
function signalFirst(child: ChildProcess, first: number, signal: NodeJS.Signals): void {
  if (signal !== 'SIGKILL') {
    signalQuietly(first, signal)
    return
  }
  child.kill('SIGSTOP')
  signalQuietly(first, 'SIGKILL')
  child.kill('SIGKILL')
}

function childOf(pid: number): number | 'gone' | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim()
    return children === '' ? undefined : Number(children.split(' ')[0])
  } catch {
    return 'gone'
  }
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has just ended.
  }
}

function cannotStart(cause: Error): ShaleError {
  return new ShaleError('UNSHARE_MISSING', `cannot start unshare: ${cause.message}`, {
    hint: 'install util-linux, which has unshare(1)',
    cause,
  })
}
