import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { extname } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { serialize } from 'node:v8'
import { ShaleError } from '../../error.ts'
import { type ExecInput, type InitFailure, type InitInput, READY } from '../init/input.ts'
import { ownEnvironment } from '../own-environment.ts'
import type { HelperHost } from '../protocol.ts'
import { namespacesForbidden } from '../unavailable.ts'

/** A container's first process, waiting for what it is to become. Its streams are ours until it is told of others. */
export interface InitProcess<I = InitInput> {
  /** Tells it what to become. */
  begin(input: I): Beginning
  /** Sends a signal to the container's first process; SIGKILL ends everything in the container. */
  kill(signal: NodeJS.Signals): void
  readonly exited: Promise<Ended>
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** What the programs that started it have complained of. */
  readonly said: string
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

/** Programs that start one another, the last of them a first process, and how many stay as its parents. */
interface Chain {
  readonly words: readonly string[]
  readonly parents: number
  /** Why nothing has come of it. */
  readonly failed: (why: string) => ShaleError
}

/** Makes it the first process of a PID namespace of its own. */
const FIRST = ['unshare', '--pid', '--fork', '--kill-child=KILL']

const CONTAINED: Chain = { words: FIRST, parents: 1, failed: cannotBegin }

/**
 * From a process that contains nothing. A command that changes its user outlives its parent, so there is a PID namespace
 * more: the shell, its first process, stays root and ends with our death, and with it all that is in it.
 */
const ALONE: Chain = {
  words: [...['setpriv', '--pdeathsig', 'KILL'], ...FIRST, ...['sh', '-c', '"$@"; exit $?', 'sh'], ...FIRST],
  parents: 3,
  failed: why => namespacesForbidden(why, false),
}

/** Starts it in a container that runs; Node itself cannot go there, for it has threads. */
export function startInside(pid: number): InitProcess<ExecInput> {
  return startInit({ words: ['nsenter', `--pid=/proc/${pid}/ns/pid`], parents: 1, failed: cannotBegin })
}

function startInit({ words, parents, failed }: Chain): InitProcess<InitInput | ExecInput> {
  const [file = '', ...rest] = words
  const child = spawn(file, [...rest, process.execPath, INIT_MAIN], {
    stdio: ['inherit', 'inherit', 'pipe', 'pipe', 'pipe', 2],
    env: ownEnvironment(),
    cwd: '/',
    // In a session of its own, or Ctrl-C would end it while it waits.
    detached: true,
  })
  const first = () => descendant(child.pid, parents)
  const exited = new Promise<Ended>((resolve, reject) => {
    child.once('error', error => reject(cannotStart(error)))
    const said: Buffer[] = []
    child.stderr?.on('data', (chunk: Buffer) => said.push(chunk))
    // Not `exit`: what it has said must have arrived.
    child.once('close', (code, signal) => resolve(outcome(Buffer.concat(said).toString(), code, signal)))
  })
  exited.catch(() => {})
  return {
    begin: input => begin({ child, first, exited, failed }, input),
    kill: signal => kill(child, first, signal),
    exited,
  }
}

/**
 * unshare(1) ends as its child did, but cannot do so by SIGKILL: it complains, and exits with 1. A shell does not end by
 * a signal that its child has ended by: it tells of it, and adds 128.
 */
function outcome(said: string, code: number | null, signal: NodeJS.Signals | null): Ended {
  const by =
    code === 1 && said.includes('sigprocmask') ? 'SIGKILL' : code !== null && said !== '' && signalOf(code - 128)
  return by ? { code: null, signal: by, said } : { code, signal, said }
}

function signalOf(number: number): NodeJS.Signals | undefined {
  return (Object.keys(constants.signals) as NodeJS.Signals[]).find(name => constants.signals[name] === number)
}

let spare: InitProcess | undefined

/**
 * Has a process ready for the next container: half of what a short RUN takes is Node's start. It waits for its input and
 * costs some memory meanwhile.
 */
export function prepareSpare({ contains }: HelperHost): void {
  if (spare !== undefined) return
  const started = startInit(contains ? CONTAINED : ALONE)
  spare = started
  void started.exited
    .catch(() => {})
    .finally(() => {
      if (spare === started) spare = undefined
    })
}

/** Ends a spare process that nobody has taken. */
export function dropSpare(): void {
  spare?.kill('SIGKILL')
  spare = undefined
}

/** The spare process, or a new one. */
export function takeInit({ contains }: HelperHost): InitProcess {
  const ready = spare ?? startInit(contains ? CONTAINED : ALONE)
  spare = undefined
  return ready
}

interface Started {
  readonly child: ChildProcess
  /** The last of the chain. */
  readonly first: () => number | 'gone' | undefined
  readonly exited: Promise<Ended>
  readonly failed: Chain['failed']
}

function begin({ child, first, exited, failed }: Started, input: InitInput | ExecInput): Beginning {
  const [, , , entry, report] = child.stdio as [unknown, unknown, unknown, Writable, Readable]
  entry.on('error', () => {})
  entry.end(serialize(input))
  const ready = new Promise<void>(resolve => {
    report.once('data', () => resolve()).once('close', () => resolve())
  })
  return {
    ready,
    failure: readFailure(report, async () => neverBegan(await exited, failed)),
    started: ready.then(() => untilCommand(child, first)),
  }
}

/** A process that becomes another one says nothing; its command line is another one then. */
async function untilCommand(child: ChildProcess, find: Started['first']): Promise<number | undefined> {
  while (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const first = find()
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
async function readFailure(report: Readable, nothing: () => Promise<InitFailure>): Promise<InitFailure | undefined> {
  const chunks: Buffer[] = []
  report.on('data', (chunk: Buffer) => chunks.push(chunk))
  await finished(report)
  const said = Buffer.concat(chunks).toString()
  if (said === '') return await nothing()
  return said === READY ? undefined : (JSON.parse(said) as InitFailure)
}

/** Nothing was written: what it was started with has failed, or it was killed. */
function neverBegan({ said, code, signal }: Ended, failed: Chain['failed']): InitFailure {
  const why = said.trim().split('\n').at(-1) || (signal ?? `exit code ${code}`)
  const { code: name, message, hint } = failed(why)
  return { kind: 'setup', code: name, message, hint, exitCode: 125 }
}

/**
 * Kills the first process itself: that the death of `unshare` does so is lost when the command changes its user.
 */
function kill(child: ChildProcess, find: Started['first'], signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const first = find()
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

function descendant(pid: number | undefined, generations: number): number | 'gone' | undefined {
  let found: number | 'gone' | undefined = pid
  for (let at = 0; at < generations && typeof found === 'number'; at++) found = childOf(found)
  return found
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

function cannotBegin(why: string): ShaleError {
  return new ShaleError('SANDBOX_SETUP', `cannot set up the sandbox: ${why}`)
}

function cannotStart(cause: Error): ShaleError {
  return new ShaleError('UNSHARE_MISSING', `cannot start unshare: ${cause.message}`, {
    hint: 'install util-linux, which has unshare(1)',
    cause,
  })
}
