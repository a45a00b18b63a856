import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { ShaleError } from '../../error.ts'
import { runtimeSpec } from '../bundle.ts'
import { type Cgroups, makeCgroups } from '../cgroup/groups.ts'
import type { InitInput, MemoryFile } from '../init/input.ts'
import type { Handler, OperationContext } from '../protocol.ts'
import type { PlainMount, RunControl, RunOutput, RunRequest, RunResult } from '../run-request.ts'
import { type CommandPipes, openPipes } from './command-pipes.ts'
import { devicesOf } from './devices.ts'
import { networkFiles } from './etc-files.ts'
import { type InitProcess, prepareSpare, takeInit } from './init-process.ts'
import { prepareMounts } from './prepare-mounts.ts'
import { syscallFilter } from './syscall-filter.ts'
import { makeTerminal, TERMINAL_PATH, type Terminal, withTerminal } from './terminal.ts'

/** Runs a command in a container on top of an overlay of trees. */
export const run: Handler<'run'> = async (request, context) => {
  context.signal.throwIfAborted()
  const { mounts, end } = await prepareMounts(request.mounts ?? [], request.work, context.host)
  try {
    return await runWith(mounts, request, context)
  } finally {
    end()
  }
}

async function runWith(
  mounts: readonly PlainMount[],
  request: RunRequest,
  context: OperationContext<'run'>,
): Promise<RunResult> {
  const { terminal: size } = request.config
  const terminal = size && makeTerminal(join(request.work, 'terminal'), size, context.host.ttyGroup)
  const pipes = pipesOf(request.config)
  let cgroups: Cgroups | undefined
  try {
    // runc makes them by itself, from the bundle.
    if (request.config.runtime !== 'runc') cgroups = request.cgroups && makeCgroups(request.cgroups)
    const input = await initInput(request, context, { mounts, terminal, pipes, cgroups })
    return await start(input, { request, terminal, pipes, cgroups }, context)
  } finally {
    pipes?.handedOver()
    terminal?.hangUp()
    await terminal?.close()
    cgroups?.remove()
  }
}

/** None where the streams are a terminal's, or the caller's own. */
function pipesOf({ terminal, stdio }: RunRequest['config']): CommandPipes | undefined {
  if (terminal !== undefined || stdio === 'inherit') return undefined
  return openPipes(stdio instanceof Uint8Array ? stdio : undefined)
}

interface Started extends Streams {
  readonly request: RunRequest
  readonly cgroups: Cgroups | undefined
}

async function start(
  input: InitInput,
  { request, terminal, pipes, cgroups }: Started,
  context: OperationContext<'run'>,
): Promise<RunResult> {
  const { signal } = context
  signal.throwIfAborted()
  const oomKills = cgroups?.oomKills() === undefined ? machineOomKills : () => cgroups.oomKills() ?? 0
  const oomKillsBefore = oomKills()
  const init = await processFor(request, terminal)
  const abort = (): void => {
    init.kill('SIGKILL')
    terminal?.hangUp()
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    const { ready, failure: failed } = init.begin(input)
    void ready.then(() => {
      pipes?.handedOver()
      if (request.followed === true) prepareSpare()
    })
    context.onControl(control => obey(control, { init, ready, terminal }))
    void init.exited.catch(() => {}).finally(terminal?.hangUp)
    const ends = Promise.all(outputs({ terminal, pipes }).map(([stream, source]) => pump(source, stream, context)))
    const [failure] = await Promise.all([failed, ready.then(terminal?.handedOver), ends])
    const ended = await init.exited
    signal.throwIfAborted()
    if (failure?.kind === 'setup') {
      throw new ShaleError(failure.code, failure.message, { hint: failure.hint })
    }
    if (failure !== undefined) return { exitCode: failure.exitCode, startError: failure.message, oomKilled: false }
    return result(ended, oomKills() > oomKillsBefore)
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** At most one of them; without any the command has the caller's streams. */
interface Streams {
  readonly terminal: Terminal | undefined
  readonly pipes: CommandPipes | undefined
}

async function processFor({ config, work }: RunRequest, terminal: Terminal | undefined): Promise<InitProcess> {
  const { runtime = 'builtin', resources = {} } = config
  if (runtime === 'builtin') return takeInit()
  if (terminal !== undefined) {
    throw new ShaleError('RUNTIME_TERMINAL', `a terminal with the runtime ${runtime} is not supported`, {
      hint: 'leave out -t, or --runtime',
      exitCode: 125,
    })
  }
  const { ociProcess } = await import('./oci-process.ts')
  return ociProcess(runtime, work, resources)
}

interface Controlled {
  readonly init: InitProcess
  readonly ready: Promise<void>
  readonly terminal: Terminal | undefined
}

function obey(control: RunControl, { init, ready, terminal }: Controlled): void {
  switch (control.kind) {
    case 'signal':
      // Before it is the command, the process would do with it what Node does.
      void ready.then(() => init.kill(control.signal))
      break
    case 'input':
      terminal?.type(control.chunk)
      break
    case 'resize':
      terminal?.resize(control.size)
      break
  }
}

function result(ended: Awaited<InitProcess['exited']>, memoryRanOut: boolean): RunResult {
  const { signal } = ended
  const exitCode = signal === null ? (ended.code ?? 0) : 128 + constants.signals[signal]
  return { exitCode, ...(signal === null ? {} : { signal }), oomKilled: memoryRanOut && exitCode === 137 }
}

interface Prepared extends Streams {
  readonly mounts: readonly PlainMount[]
  readonly cgroups: Cgroups | undefined
}

async function initInput(
  request: RunRequest,
  { host }: OperationContext<'run'>,
  { mounts: own, terminal, pipes, cgroups }: Prepared,
): Promise<InitInput> {
  const { config } = request
  const mounts = [...networkFiles(config, own), ...own]
  const spec = runtimeSpec({ ...config, devices: devicesOf(config) }, mounts, 'rootfs', host)
  return {
    spec: terminal === undefined ? spec : withTerminal(spec, terminal),
    overlay: {
      lowers: request.lowers,
      upper: request.upper,
      work: request.work,
      userXattr: host.rootless,
      nodev: config.privileged !== true,
    },
    files: mounts.flatMap(memoryFile),
    cgroups: cgroups?.joinFiles ?? [],
    filter: await syscallFilter(config, spec.linux),
    streams: pipes?.paths,
    nullStdin: (config.stdio ?? 'null') === 'null',
    terminal: terminal && TERMINAL_PATH,
  }
}

function memoryFile(mount: PlainMount): readonly MemoryFile[] {
  if (mount.kind !== 'file') return []
  const { target, content, mode = 0o644, uid = 0, gid = 0, readonly = true } = mount
  return [{ target, content, mode, uid, gid, readonly }]
}

/** What the command writes, and as what; nothing when its streams are the caller's own. */
function outputs({ terminal, pipes }: Streams): readonly (readonly [RunOutput['stream'], AsyncIterable<Uint8Array>])[] {
  if (terminal !== undefined) return [['stdout', terminal.output()]]
  if (pipes === undefined) return []
  return [
    ['stdout', pipes.stdout],
    ['stderr', pipes.stderr],
  ]
}

/** Hands on what the command writes, no faster than the receiver takes it. */
async function pump(
  source: AsyncIterable<Uint8Array>,
  stream: RunOutput['stream'],
  { emit }: OperationContext<'run'>,
): Promise<void> {
  for await (const chunk of source) await emit({ stream, chunk })
}

/** How many processes the kernel has ended for lack of memory since it booted. */
function machineOomKills(): number {
  const count = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'latin1'))?.[1]
  return Number(count ?? 0)
}
