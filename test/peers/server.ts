import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { enterCommand, enterEnv } from '../../scripts/bases/enter.ts'
import { killGroup } from '../../scripts/bases/process.ts'
import { ShaleError } from '../../src/error.ts'
import { type PeerOptions, peerRoot } from './root.ts'

/** A long-lived peer; `stop` ends it and everything it started, and its mounts go with it. */
export interface Server {
  readonly stop: () => Promise<void>
  /** What it wrote to standard output and error so far. */
  readonly log: () => string
}

const READY_LIMIT_MS = 60_000
const STOP_LIMIT_MS = 10_000
const POLL_MS = 25

/** Starts a server in the peers' root and returns once `isReady` says so; throws with its log if it never does. */
export async function startServer(
  command: readonly string[],
  isReady: () => Promise<boolean>,
  options: PeerOptions = {},
): Promise<Server> {
  const all = { readOnly: true, ...options }
  const [program, ...args] = enterCommand(await peerRoot(options.set), command, all) as [string, ...string[]]
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: enterEnv(all) })
  const log: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => log.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => log.push(chunk))
  const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
  const server = { stop: () => stop(child, ended), log: () => Buffer.concat(log).toString('utf8') }
  const forget = () => killGroup(child, 'SIGKILL')
  process.once('exit', forget)
  void ended.then(() => process.removeListener('exit', forget))
  try {
    await ready(child, isReady)
    return server
  } catch (error) {
    await server.stop()
    const said = server.log().trim().split('\n').slice(-20).join('\n')
    throw new ShaleError('PEER_NOT_READY', `${command[0]} did not come up:\n${said}`, { cause: error })
  }
}

async function ready(child: ChildProcess, isReady: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + READY_LIMIT_MS
  while (!(await isReady().catch(() => false))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended')
    if (Date.now() > deadline) throw new Error(`no answer after ${READY_LIMIT_MS / 1000} seconds`)
    await delay(POLL_MS)
  }
}

/** Asks first, so that a server can undo its own mounts, then kills. The PID namespace takes what is left. */
async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  killGroup(child, 'SIGTERM')
  const timer = setTimeout(() => killGroup(child, 'SIGKILL'), STOP_LIMIT_MS)
  await ended
  clearTimeout(timer)
}
