import { join } from 'node:path'
import { ShaleError } from '../../error.ts'
import { runtimeSpec } from '../bundle.ts'
import { type Cgroups, makeCgroups } from '../cgroup/groups.ts'
import type { InitInput, MemoryFile } from '../init/input.ts'
import type { Handler, HelperHost, OperationContext } from '../protocol.ts'
import type { PlainMount, RunRequest, RunResult } from '../run-request.ts'
import type { CommandPipes } from './command-pipes.ts'
import { conduct, pipesOf } from './conduct.ts'
import { devicesOf } from './devices.ts'
import { etcFiles } from './etc-files.ts'
import { type InitProcess, prepareSpare, takeInit } from './init-process.ts'
import { type OpenNetwork, openNetwork, withNetwork } from './network.ts'
import { prepareMounts } from './prepare-mounts.ts'
import { syscallFilter } from './syscall-filter.ts'
import { makeTerminal, TERMINAL_PATH, type Terminal, withTerminal } from './terminal.ts'

/** Runs a command in a container on top of an overlay of trees. */
export const run: Handler<'run'> = async (request, context) => {
  context.signal.throwIfAborted()
  // It takes longer than all the rest, which goes on meanwhile.
  const opening = request.network && openNetwork(request.network, request.work, context.host)
  opening?.catch(() => {})
  try {
    const { mounts, end } = await prepareMounts(request.mounts ?? [], request.work, context.host)
    try {
      return await runWith({ mounts, opening }, request, context)
    } finally {
      end()
    }
  } finally {
    const network = await opening?.catch(() => undefined)
    network?.close()
  }
}

/** What is there when the sandbox is made, or will be. */
interface Surroundings {
  readonly mounts: readonly PlainMount[]
  readonly opening: Promise<OpenNetwork> | undefined
}

async function runWith(
  surroundings: Surroundings,
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
    const input = await initInput(request, context, { ...surroundings, terminal, pipes, cgroups })
    context.signal.throwIfAborted()
    const init = await processFor(request, terminal, context.host)
    const handedOver = (): void => {
      terminal?.handedOver()
      if (request.followed === true) prepareSpare(context.host)
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

async function processFor(
  { config, work }: RunRequest,
  terminal: Terminal | undefined,
  host: HelperHost,
): Promise<InitProcess> {
  const { runtime = 'builtin', resources = {} } = config
  if (runtime === 'builtin') return takeInit(host)
  if (terminal !== undefined) {
    throw new ShaleError('RUNTIME_TERMINAL', `a terminal with the runtime ${runtime} is not supported`, {
      hint: 'leave out -t, or --runtime',
      exitCode: 125,
    })
  }
  const { ociProcess } = await import('./oci-process.ts')
  return ociProcess(runtime, work, resources)
}

interface Prepared extends Surroundings {
  readonly terminal: Terminal | undefined
  readonly pipes: CommandPipes | undefined
  readonly cgroups: Cgroups | undefined
}

async function initInput(
  request: RunRequest,
  { host }: OperationContext<'run'>,
  { mounts: own, opening, terminal, pipes, cgroups }: Prepared,
): Promise<InitInput> {
  const { config } = request
  const mounts = [...etcFiles(config, request.network?.outward === true, own), ...own]
  const plain = runtimeSpec({ ...config, devices: devicesOf(config) }, mounts, 'rootfs', host)
  const spec = terminal === undefined ? plain : withTerminal(plain, terminal)
  const filter = await syscallFilter(config, spec.linux)
  const network = await opening
  return {
    spec: network === undefined ? spec : withNetwork(spec, network.namespace),
    overlay: {
      lowers: request.lowers,
      upper: request.upper,
      work: request.work,
      userXattr: host.rootless,
      nodev: config.privileged !== true,
    },
    files: mounts.flatMap(memoryFile),
    cgroups: cgroups?.joinFiles ?? [],
    filter,
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
