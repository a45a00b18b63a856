import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { flushCompileCache } from 'node:module'
import { deserialize } from 'node:v8'
import { isErrno, ShaleError } from '../error.ts'
import type { SpecProcess } from './bundle.ts'
import { becomeCommand, StartError } from './init/command.ts'
import {
  type ExecInput,
  FAILURE_FD,
  INPUT_FD,
  type InitFailure,
  type InitInput,
  READY,
  STDERR_FD,
  type StreamPaths,
} from './init/input.ts'
import { setOomScore, setSysctls } from './init/kernel-settings.ts'
import { mountAll, mountTargets, protect } from './init/mounts.ts'
import { confine, dropPrivileges, setRlimits } from './init/privileges.ts'
import { makeScratch, mountRoot } from './init/root.ts'
import { resetSignals, warmUp } from './libc.ts'
import {
  bringLoopbackUp,
  CLONE,
  closeOnExecFrom,
  duplicateTo,
  enterNamespace,
  exitNow,
  MOUNT_ATTR,
  MS,
  mount,
  newSession,
  pivotHere,
  plainDescriptor,
  setHostname,
  setMountAttributes,
  unshare,
} from './syscalls.ts'

/*
 * The first process of a container: makes its root file system and becomes its command. Everything is synchronous and
 * happens on the main thread, for namespaces, capabilities and the current folder belong to a thread here.
 */

const NAMESPACE_FLAGS = {
  mount: CLONE.newns,
  ipc: CLONE.newipc,
  uts: CLONE.newuts,
  cgroup: CLONE.newcgroup,
  network: CLONE.newnet,
  pid: 0,
}

function start(input: InitInput): never {
  const { spec, overlay, files, streams } = input
  // While /proc is still the one in which these paths mean something.
  if (streams !== undefined) takeStreams(streams)
  // Before it leaves the host's cgroup namespace, of which the group becomes the root.
  for (const file of input.cgroups) writeFileSync(file, '0')
  const joined = spec.linux.namespaces.find(({ type, path }) => type === 'network' && path !== undefined)?.path
  if (joined !== undefined) enterNamespace(openSync(joined, 'r'))
  const made = spec.linux.namespaces.filter(({ path }) => path === undefined)
  unshare(made.reduce((flags, { type }) => flags | NAMESPACE_FLAGS[type], 0))
  mount({ target: '/', flags: MS.private | MS.rec })
  setSysctls(spec.linux.sysctl ?? {})
  // No terminal of the host's is ours: its signals do not come here, and nobody can type into it from here.
  newSession()
  const scratch = makeScratch(overlay.work)
  mountRoot(overlay, scratch, mountTargets(spec, files))
  mountAll(input, scratch)
  protect(spec.linux, scratch)
  if (spec.root.readonly) setMountAttributes(scratch.root, MOUNT_ATTR.rdonly, false)
  process.chdir(scratch.root)
  pivotHere()
  setHostname(spec.hostname)
  if (spec.linux.namespaces.some(({ type }) => type === 'network')) bringLoopbackUp()
  return become(spec.process, input)
}

/** A further command in a container, whose PID namespace this process is in already. */
function enter(input: ExecInput): never {
  if (input.streams !== undefined) takeStreams(input.streams)
  for (const file of input.cgroups) writeFileSync(file, '0')
  newSession()
  // One that is ours too need not be entered, and the host's must not be by everyone.
  const other = ENTERED.filter(
    name => readlinkSync(`/proc/${input.pid}/ns/${name}`) !== readlinkSync(`/proc/self/ns/${name}`),
  )
  const spaces = other.map(name => openSync(`/proc/${input.pid}/ns/${name}`, 'r'))
  // Threads share the current folder and the root, and a mount namespace is for those only who do not.
  unshare(CLONE.fs)
  for (const fd of spaces) enterNamespace(fd)
  return become(input.process, input)
}

/** The mounts last, for with them goes our /proc. */
const ENTERED = ['ipc', 'uts', 'net', 'cgroup', 'mnt'] as const

function become(command: SpecProcess, input: Pick<InitInput, 'terminal' | 'nullStdin' | 'filter'>): never {
  setRlimits(command.rlimits)
  if (command.oomScoreAdj !== undefined) setOomScore(command.oomScoreAdj)
  enterFolder(command.cwd)
  if (input.terminal !== undefined) takeTerminal(input.terminal, command.user.uid)
  else if (input.nullStdin) duplicateTo(openSync('/dev/null', 'r'), 0)
  dropPrivileges(command, input.filter !== undefined)
  for (const fd of [0, 1, 2]) plainDescriptor(fd)
  closeOnExecFrom(3)
  resetSignals()
  writeSync(FAILURE_FD, READY)
  if (input.filter !== undefined) confine(command, input.filter)
  return becomeCommand(command.args, command.env)
}

function takeStreams({ stdin, stdout, stderr }: StreamPaths): void {
  if (stdin !== undefined) takeStream(0, stdin, constants.O_RDONLY)
  takeStream(1, stdout, constants.O_WRONLY)
  takeStream(2, stderr, constants.O_WRONLY)
}

function takeStream(stream: number, path: string, access: number): void {
  const fd = openSync(path, access)
  duplicateTo(fd, stream)
  closeSync(fd)
}

/** To the leader of a session that has none, the first terminal that it opens is its controlling one. */
function takeTerminal(path: string, uid: number): void {
  const fd = openSync(path, 'r+')
  // So that the command, whoever it is, can open it by name.
  fchownSync(fd, uid, fstatSync(fd).gid)
  for (const stream of [0, 1, 2]) duplicateTo(fd, stream)
}

function enterFolder(cwd: string): void {
  try {
    process.chdir(cwd)
  } catch (error) {
    const why = isErrno(error, 'ENOENT') ? 'it does not exist in the container' : (error as Error).message
    throw new ShaleError('WORKING_DIRECTORY', `cannot run in ${cwd}: ${why}`, { cause: error })
  }
}

function failure(error: unknown): InitFailure {
  if (error instanceof StartError) {
    return { kind: 'start', code: 'COMMAND_NOT_STARTED', message: error.message, exitCode: error.exitCode }
  }
  const { message } = error as Error
  const known =
    error instanceof ShaleError ? error : new ShaleError('SANDBOX_SETUP', `cannot set up the sandbox: ${message}`)
  return { kind: 'setup', code: known.code, message: known.message, hint: known.hint, exitCode: 125 }
}

try {
  warmUp()
  // Node does this when it exits, which a process that becomes another one never does.
  flushCompileCache()
  duplicateTo(STDERR_FD, 2)
  closeSync(STDERR_FD)
  const said = readFileSync(INPUT_FD)
  // Whoever has started us has ended, and there is nobody to tell.
  if (said.length === 0) exitNow(0)
  const input = deserialize(said) as InitInput | ExecInput
  closeSync(INPUT_FD)
  if ('overlay' in input) start(input)
  else enter(input)
} catch (error) {
  const report = failure(error)
  writeSync(FAILURE_FD, JSON.stringify(report))
  // Node would complain about system calls that the filter refuses.
  exitNow(report.exitCode)
}
