import { type ChildProcess, spawn } from 'node:child_process'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { ShaleError } from '../../error.ts'
import type { Resources } from '../cgroup/resources.ts'
import type { InitFailure, InitInput } from '../init/input.ts'
import type { OciRuntime } from '../isolation.ts'
import type { InitProcess } from './init-process.ts'
import { type MountedBundle, mountBundle } from './oci-bundle.ts'

/** A container that runc or crun makes from the bundle. Throws `RUNTIME_MISSING` when there is no such program. */
export function ociProcess(runtime: OciRuntime, work: string, resources: Resources): InitProcess {
  const place: Place = {
    program: findRuntime(runtime),
    runtime,
    folder: join(work, 'bundle'),
    resources,
    // The folder of a run is made new for it, so its name is like no other.
    name: `shale-${basename(join(work, '..'))}`,
  }
  let launched: ChildProcess | undefined
  let ended: (result: Awaited<InitProcess['exited']>) => void = () => {}
  const exited = new Promise<Awaited<InitProcess['exited']>>(resolve => {
    ended = resolve
  })
  return {
    begin: input => {
      const { child, ready, finished } = launch(place, input)
      launched = child
      void finished.then(({ code }) => ended({ code, signal: null, said: '' }))
      return {
        ready,
        started: ready.then(() => processIn(pidFile(place))),
        failure: finished.then(({ failure }) => failure),
      }
    },
    kill: signal => {
      // Before there is a container, there is only the runtime to end.
      if (!kill(pidFile(place), signal) && signal === 'SIGKILL') launched?.kill(signal)
    },
    exited,
  }
}

interface Place {
  readonly program: string
  readonly runtime: OciRuntime
  readonly folder: string
  readonly resources: Resources
  readonly name: string
}

interface Finished {
  readonly code: number
  readonly failure: InitFailure | undefined
}

const pidFile = ({ folder }: Place): string => join(folder, 'pid')
const logFile = ({ folder }: Place): string => join(folder, 'log')

interface Launched {
  /** Absent when it did not come to that. */
  readonly child?: ChildProcess
  readonly ready: Promise<void>
  readonly finished: Promise<Finished>
}

function launch(place: Place, input: InitInput): Launched {
  let bundle: MountedBundle
  try {
    mkdirSync(place.folder)
    bundle = mountBundle(input, place.runtime, place.name, place.resources)
    writeFileSync(join(place.folder, 'config.json'), bundle.config)
  } catch (error) {
    return { ready: Promise.resolve(), finished: Promise.resolve({ code: 125, failure: setupFailure(error as Error) }) }
  }
  const streams = openStreams(input)
  const child = spawn('sh', ['-c', JOIN, 'sh', ...joined(place, input), '--', ...commandLine(place)], {
    stdio: streams.map(fd => fd ?? 'inherit'),
    detached: true,
  })
  for (const fd of streams) if (fd !== undefined) closeSync(fd)
  const finished = new Promise<Finished>(resolve => {
    child.once('error', error => resolve({ code: 125, failure: setupFailure(error) }))
    child.once('exit', code => resolve(outcome(place, code ?? 125)))
  }).finally(bundle.unmount)
  return { child, ready: Promise.race([isWritten(pidFile(place)), finished.then(() => {})]), finished }
}

/** Where it is not told of others, the caller's. */
function openStreams({ streams, nullStdin }: InitInput): readonly (number | undefined)[] {
  const stdin = streams?.stdin ?? (nullStdin ? '/dev/null' : undefined)
  const paths = [stdin, streams?.stdout, streams?.stderr]
  return paths.map((path, index) => (path === undefined ? undefined : openSync(path, index === 0 ? 'r' : 'w')))
}

/** The shell goes into our groups, which the runtime inherits, and becomes it. */
const JOIN = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"'

/** Where version 2 is mounted beside version 1. crun then refuses to do anything, even without groups to make. */
const HYBRID = '/sys/fs/cgroup/unified'
const WITHOUT_HYBRID = ['unshare', '--mount', 'sh', '-c', `umount -l ${HYBRID}; exec "$@"`, 'sh']

/** runc makes its groups by itself; crun, which may not be able to, is told to leave them alone. */
function joined({ runtime }: Place, { cgroups }: InitInput): readonly string[] {
  return runtime === 'crun' ? cgroups : []
}

function commandLine(place: Place): readonly string[] {
  const { program, runtime, folder, name } = place
  const global = ['--root', join(folder, 'state'), '--log', logFile(place), '--log-format', 'json']
  const groups = runtime === 'crun' ? ['--cgroup-manager=disabled'] : []
  const command = [program, ...global, ...groups, 'run', '--bundle', folder, '--pid-file', pidFile(place), name]
  return runtime === 'crun' && existsSync(HYBRID) ? [...WITHOUT_HYBRID, ...command] : command
}

/** Both write why a container could not be started as the last line of their log, and only then have no process ID. */
function outcome(place: Place, code: number): Finished {
  const said = processIn(pidFile(place)) !== undefined ? undefined : lastError(logFile(place))
  return { code, failure: said === undefined ? undefined : startFailure(place.runtime, said) }
}

function lastError(log: string): string | undefined {
  if (!existsSync(log)) return undefined
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  for (const line of lines.toReversed()) {
    const { level, msg } = JSON.parse(line) as { readonly level?: string; readonly msg?: string }
    if (level === 'error' && msg !== undefined) return msg
  }
  return undefined
}

function startFailure(runtime: OciRuntime, said: string): InitFailure {
  const message = `${runtime}: ${said}`
  const missing = /executable file .*not found|no such file or directory/.test(said) && /exec|executable/.test(said)
  const forbidden = /exec.*(permission denied|is a directory|not permitted)/i.test(said)
  if (!missing && !forbidden) return setupFailure(new Error(message))
  return { kind: 'start', code: 'COMMAND_NOT_STARTED', message, exitCode: missing ? 127 : 126 }
}

function setupFailure(error: Error): InitFailure {
  const known = error instanceof ShaleError ? error : new ShaleError('SANDBOX_SETUP', error.message)
  return { kind: 'setup', code: known.code, message: known.message, hint: known.hint, exitCode: 125 }
}

/** Waits until the container's first process is named. */
function isWritten(file: string): Promise<void> {
  return new Promise(resolve => {
    const watcher = watch(join(file, '..'), () => {
      if (processIn(file) === undefined) return
      watcher.close()
      resolve()
    })
    watcher.unref()
    if (processIn(file) !== undefined) resolve()
  })
}

/** The process that is named in a file; undefined before all of the number is there, for 0 would be all of us. */
function processIn(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'latin1'))
    return pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

/** Whether there is a process to send it to. */
function kill(file: string, signal: NodeJS.Signals): boolean {
  const pid = processIn(file)
  try {
    return pid !== undefined && process.kill(pid, signal)
  } catch {
    return false
  }
}

function findRuntime(runtime: OciRuntime): string {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin']
  const found = folders.map(folder => join(folder, runtime)).find(isExecutable)
  if (found !== undefined) return found
  throw new ShaleError('RUNTIME_MISSING', `the runtime ${runtime} is not installed`, {
    hint: `install the package ${runtime}, or leave out --runtime for the built-in one`,
    exitCode: 125,
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
