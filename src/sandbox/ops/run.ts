import { join } from 'node:path'
import { ShaleError } from '../../error.ts'
import { runtimeSpec } from '../bundle.ts'
import { type Cgroups, makeCgroups } from '../cgroup/groups.ts'
import type { InitInput, MemoryFile } from '../init/input.ts'
import type { Handler, OperationContext } from '../protocol.ts'
import type { PlainMount, RunRequest, RunResult } from '../run-request.ts'
import type { CommandPipes } from './command-pipes.ts'
import { conduct, pipesOf } from './conduct.ts'
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
  const { terminal: size, runtime } = request.config
  const terminal = size && makeTerminal(join(request.work, 'terminal'), size, context.host.ttyGroup)
  const pipes = pipesOf(request.config)
  let cgroups: Cgroups | undefined
  try {
    // runc makes them by itself, from the bundle.
    if (runtime !== 'runc') cgroups = request.cgroups && makeCgroups(request.cgroups)
    const input = await initInput(request, context, { mounts, terminal, pipes, cgroups })
    context.signal.throwIfAborted()
    const init = await processFor(request, terminal)
    const handedOver = (): void => {
      terminal?.handedOver()
      if (request.followed === true) prepareSpare()
    }
    return await conduct({ init, input, terminal, pipes, handedOver, oomKills: countOf(cgroups) }, context)
  } finally {
    pipes?.handedOver()
    terminal?.hangUp()
    await terminal?.close()
    cgroups?.remove()
  }
}

/** Undefined where its groups do not count. */
function countOf(cgroups: Cgroups | undefined): (() => number) | undefined {
  return cgroups?.oomKills() === undefined ? undefined : () => cgroups.oomKills() ?? 0
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

interface Prepared {
  readonly terminal: Terminal | undefined
  readonly pipes: CommandPipes | undefined
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
