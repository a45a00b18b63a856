import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { extname } from 'node:path'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isErrno, ShaleError } from '../error.ts'
import { hostUser, type IdMapping, idMappings, mappingArguments, subIds, userNamespace } from './identity.ts'
import { ownEnvironment } from './own-environment.ts'
import { namespacesForbidden } from './unavailable.ts'

/** A helper process that can be spoken to, and what it will not be able to do. */
export interface SpawnedHelper {
  readonly child: ChildProcess
  readonly limits: readonly string[]
  /** It works in a user namespace, its own or the one that we are in. */
  readonly rootless: boolean
}

const HERE = fileURLToPath(import.meta.url)
const HELPER_MAIN = fileURLToPath(
  new URL(extname(HERE) === '.ts' ? './helper-main.ts' : './helper-main.cjs', import.meta.url),
)

/**
 * Descriptors: 3 is the IPC channel, 4 the gate where a user namespace waits for its users. Until Node starts, standard
 * error is a pipe, for what unshare has to say is part of our error; 5 is the real one.
 */
const STDIO: StdioOptions = ['inherit', 'inherit', 'pipe', 'ipc', 'pipe', 2]

/** Ends with its parent, is the first process of a PID namespace and sees mounts that nobody else sees. */
const HELPER_COMMAND: readonly string[] = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'],
  ...['sh', '-c', 'exec "$@" 2>&5 4>&- 5>&-', 'sh', process.execPath, HELPER_MAIN],
]

export async function spawnHelper(root: string, rootless: boolean): Promise<SpawnedHelper> {
  // Else spawn would blame the command for it.
  if (!existsSync(root)) throw new ShaleError('STORE_MISSING', `there is no store at ${root}`)
  return rootless ? spawnRootless(root) : spawnAsRoot(root)
}

async function spawnAsRoot(root: string): Promise<SpawnedHelper> {
  const { kind } = userNamespace()
  // Root of a user namespace may mount and not much more: it fares as if the namespace were our own.
  const rootless = kind !== 'host'
  const child = start(HELPER_COMMAND, root, rootless)
  await until(child, 'message', false)
  const limits = kind === 'single' ? [singleUser('this user namespace has one user')] : []
  return { child, limits, rootless }
}

/**
 * In a user namespace. The shell waits until the users are mapped: a program that is executed as the mapped root gets
 * all capabilities in the namespace, one that is executed before has none.
 */
async function spawnRootless(root: string): Promise<SpawnedHelper> {
  const plan = await mappingPlan()
  if (plan.kind === 'single') {
    const child = start(['unshare', '--user', '--map-root-user', ...HELPER_COMMAND], root, true)
    await until(child, 'message', true)
    return { child, limits: plan.limits, rootless: true }
  }
  const wait = ['sh', '-c', 'echo unshared >&4 && read -r mapped <&4 && exec "$@"', 'sh']
  const child = start(['unshare', '--user', ...wait, ...HELPER_COMMAND], root, true)
  const gate = child.stdio[4] as Duplex
  await until(child, 'unshared', true)
  try {
    await mapUsers(String(child.pid), plan)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  gate.write('mapped\n')
  await until(child, 'message', true)
  return { child, limits: [], rootless: true }
}

function start(command: readonly string[], root: string, rootless: boolean): ChildProcess {
  const [file, ...args] = command as [string, ...string[]]
  const child = spawn(file, args, {
    cwd: root,
    env: { ...ownEnvironment(), SHALE_HELPER_ROOTLESS: rootless ? '1' : '0' },
    stdio: STDIO,
    // In a session of its own: what a terminal sends to its foreground is for us to pass on.
    detached: true,
    serialization: 'advanced',
  })
  // The streams live as long as the helper, and are no reason for our own process to stay.
  for (const stream of [child.stdio[2], child.stdio[4]] as Duplex[]) {
    stream.on('error', () => {})
    ;(stream as Duplex & { unref(): void }).unref()
  }
  return child
}

/** Resolves at the first word from the gate or the first message of the helper; rejects if the process ends instead. */
function until(child: ChildProcess, what: 'unshared' | 'message', rootless: boolean): Promise<void> {
  const gate = child.stdio[4] as Duplex
  let said = ''
  return new Promise((resolve, reject) => {
    const note = (chunk: Buffer): void => {
      said += chunk.toString()
    }
    const failed = (error: Error): void => {
      stop()
      reject(isErrno(error, 'ENOENT') ? toolMissing(error) : error)
    }
    // Not `exit`: what it has said must have arrived.
    const ended = (code: number | null): void =>
      failed(namespacesForbidden(said.trim() || `exit code ${code}`, rootless))
    const done = (): void => {
      stop()
      resolve()
    }
    const stop = (): void => {
      child.stderr?.off('data', note)
      child.off('error', failed).off('close', ended).off('message', done)
      gate.off('data', done)
    }
    child.stderr?.on('data', note)
    child.on('error', failed).on('close', ended)
    if (what === 'message') child.once('message', done)
    else gate.once('data', done)
  })
}

type MappingPlan =
  | { readonly kind: 'ranges'; readonly uids: readonly IdMapping[]; readonly gids: readonly IdMapping[] }
  | { readonly kind: 'single'; readonly limits: readonly string[] }

async function mappingPlan(): Promise<MappingPlan> {
  const user = hostUser()
  const { uids, gids } = subIds(user)
  const name = user.name ?? String(user.uid)
  if (uids.length === 0 || gids.length === 0) return single(`${name} has no range in /etc/subuid and /etc/subgid`)
  if (!(await hasMappingTools())) return single('newuidmap and newgidmap are not installed (package uidmap)')
  return { kind: 'ranges', uids: idMappings(user.uid, uids), gids: idMappings(user.gid, gids) }
}

function single(why: string): MappingPlan {
  return { kind: 'single', limits: [singleUser(why)] }
}

function singleUser(why: string): string {
  return `${why}: files of an image all belong to one user, and commands run as root only`
}

const run = promisify(execFile)

async function hasMappingTools(): Promise<boolean> {
  try {
    await run('sh', ['-c', 'command -v newuidmap && command -v newgidmap'])
    return true
  } catch {
    return false
  }
}

async function mapUsers(pid: string, { uids, gids }: Extract<MappingPlan, { kind: 'ranges' }>): Promise<void> {
  try {
    await Promise.all([
      run('newuidmap', [pid, ...mappingArguments(uids)]),
      run('newgidmap', [pid, ...mappingArguments(gids)]),
    ])
  } catch (cause) {
    throw new ShaleError('SANDBOX_UNAVAILABLE', `cannot map users: ${(cause as Error).message.trim()}`, {
      hint: 'the ranges in /etc/subuid and /etc/subgid must be this user’s own, and newuidmap set-uid root (package uidmap)',
      cause,
    })
  }
}

function toolMissing(cause: NodeJS.ErrnoException): ShaleError {
  const tool = cause.path ?? 'unshare'
  return new ShaleError('SANDBOX_UNAVAILABLE', `cannot run a command: ${tool} is not installed`, {
    hint: 'install util-linux, which has unshare and setpriv',
    cause,
  })
}
