import { closeSync, readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants } from 'node:os'
import { ShaleError } from '../../error.ts'
import { runtimeSpec } from '../bundle.ts'
import type { InitInput, MemoryFile } from '../init/input.ts'
import type { Handler, OperationContext } from '../protocol.ts'
import type { RunMount, RunOutput, RunRequest, RunResult } from '../run-request.ts'
import { networkFiles } from './etc-files.ts'
import { type InitProcess, prepareSpare, takeInit } from './init-process.ts'

/** Runs a command in a container on top of an overlay of trees. */
export const run: Handler<'run'> = async (request, context) => {
  const { signal } = context
  signal.throwIfAborted()
  const oomKillsBefore = oomKills()
  const init = takeInit(request.config.stdio === 'inherit' ? 'inherit' : 'pipes')
  const abort = (): void => init.kill('SIGKILL')
  signal.addEventListener('abort', abort, { once: true })
  context.onControl(name => init.kill(name))
  try {
    feed(init, request)
    const started = init.begin(initInput(request, context))
    void started.then(prepareSpare, () => {})
    const [failure] = await Promise.all([started, ...forward(init, context)])
    const ended = await init.exited
    signal.throwIfAborted()
    if (failure?.kind === 'setup') {
      throw new ShaleError(failure.code, failure.message, { hint: failure.hint, exitCode: failure.exitCode })
    }
    if (failure !== undefined) return { exitCode: failure.exitCode, startError: failure.message, oomKilled: false }
    return result(ended, oomKills() > oomKillsBefore)
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function result(ended: Awaited<InitProcess['exited']>, memoryRanOut: boolean): RunResult {
  const { signal } = ended
  const exitCode = signal === null ? (ended.code ?? 0) : 128 + constants.signals[signal]
  return { exitCode, ...(signal === null ? {} : { signal }), oomKilled: memoryRanOut && exitCode === 137 }
}

function initInput(request: RunRequest, { host }: OperationContext<'run'>): InitInput {
  const { config } = request
  const mounts = [...networkFiles(config, request.mounts ?? []), ...(request.mounts ?? [])]
  return {
    spec: runtimeSpec(config, mounts, 'rootfs', host),
    overlay: {
      lowers: request.lowers,
      upper: request.upper,
      work: request.work,
      userXattr: host.rootless,
      nodev: config.privileged !== true,
    },
    files: mounts.flatMap(memoryFile),
    nullStdin: (config.stdio ?? 'null') === 'null',
    ownSession: config.stdio !== 'inherit',
  }
}

function memoryFile(mount: RunMount): readonly MemoryFile[] {
  if (mount.kind !== 'file') return []
  const { target, content, mode = 0o644, uid = 0, gid = 0, readonly = true } = mount
  return [{ target, content, mode, uid, gid, readonly }]
}

function feed({ stdin }: InitProcess, { config }: RunRequest): void {
  if (stdin === undefined) return
  if (!(config.stdio instanceof Uint8Array)) {
    closeSync(stdin)
    return
  }
  const writer = new Socket({ fd: stdin, readable: false, writable: true })
  // A command need not read all that it is given.
  writer.on('error', () => {})
  writer.end(config.stdio)
}

/** Hands on what the command writes, no faster than the receiver takes it. */
function forward(init: InitProcess, context: OperationContext<'run'>): readonly Promise<void>[] {
  if (init.output === undefined) return []
  const { stdout, stderr } = init.output
  return [pump(stdout, 'stdout', context), pump(stderr, 'stderr', context)]
}

async function pump(fd: number, stream: RunOutput['stream'], { emit }: OperationContext<'run'>): Promise<void> {
  const source = new Socket({ fd, readable: true, writable: false })
  for await (const chunk of source) await emit({ stream, chunk: chunk as Buffer })
}

/** How many processes the kernel has ended for lack of memory since it booted. */
function oomKills(): number {
  const count = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'latin1'))?.[1]
  return Number(count ?? 0)
}
