import { mkdirSync, mkdtempSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type PullImage, stateOf } from '../build/base-image.ts'
import { LayerWork } from '../build/layer-work.ts'
import { missingDirectories } from '../build/ops/workdir.ts'
import { type StageState, setEnv } from '../build/stage-state.ts'
import { type TreeWorker, treeWorker } from '../build/tree-worker.ts'
import { additionalGroups, type Identity, processIdentity } from '../build/users.ts'
import { ShaleError, writing } from '../error.ts'
import { toByteString } from '../layer/entry.ts'
import { tocOf } from '../layer/toc.ts'
import { encodeToc } from '../layer/toc-codec.ts'
import { hostPlatform, type Platform } from '../oci/platform.ts'
import { resolvePath } from '../rootfs/resolve.ts'
import { limits } from '../sandbox/cgroup/limits.ts'
import { type Helper, openHelper, type RunningCommand } from '../sandbox/helper.ts'
import type { Isolation } from '../sandbox/isolation.ts'
import {
  DEFAULT_HOSTNAME,
  type RunMount,
  type RunOutput,
  type RunResult,
  type TerminalSize,
} from '../sandbox/run-request.ts'
import { findImage } from '../store/resolve.ts'
import type { Store } from '../store/types.ts'
import { removeAnonymous, resolveMounts } from './mounts/resolve.ts'
import { runMounts } from './mounts/run-mounts.ts'
import type { ContainerMount } from './mounts/types.ts'

/** How to run an image once, in the foreground. */
export interface RunImageOptions {
  /** Name or ID. */
  readonly image: string
  /** Replaces the image's Cmd when there is any. */
  readonly command?: readonly string[] | undefined
  /** Replaces the image's Entrypoint (and drops its Cmd); empty resets it. */
  readonly entrypoint?: string | undefined
  /** `NAME=value` lines on top of the image's. */
  readonly env?: readonly string[] | undefined
  readonly workdir?: string | undefined
  readonly user?: string | undefined
  /** Names or numbers of further groups. */
  readonly groupAdd?: readonly string[] | undefined
  /** On top of the image's own volumes. */
  readonly mounts?: readonly ContainerMount[] | undefined
  readonly network?: 'host' | 'none' | undefined
  readonly hostname?: string | undefined
  readonly addHosts?: readonly { readonly name: string; readonly address: string }[] | undefined
  readonly readonlyRoot?: boolean | undefined
  /** What it may do and see besides. */
  readonly isolation?: Isolation | undefined
  readonly platform?: Platform | undefined
  readonly pull?: 'always' | 'missing' | 'never' | undefined
  /**
   * `inherit`: the command has our own three streams. `output`: nothing to read, output as events. A size: a terminal of
   * its own, with output as events and input through `onRunning`.
   */
  readonly streams: 'inherit' | 'output' | TerminalSize
  readonly onOutput?: ((output: RunOutput) => void) | undefined
  /** What the machine does not allow here, such as more than one user. */
  readonly onWarning?: ((message: string) => void) | undefined
  /** Called with what can be done to the command when it is about to begin. */
  readonly onRunning?: ((command: RunningCommand) => void) | undefined
  /** Aborting ends the container at once. */
  readonly signal?: AbortSignal | undefined
}

export interface RunServices {
  readonly pull: PullImage
}

/**
 * Runs an image's command (or another) in a container and gives how it ended; everything it wrote to its own file
 * system is gone afterwards. Throws `IMAGE_NOT_FOUND`, `NO_COMMAND`, `UNKNOWN_USER` before anything runs.
 */
export async function runImage(store: Store, options: RunImageOptions, services: RunServices): Promise<RunResult> {
  const lease = store.lease('run')
  // Its start takes longer than all that comes before it is needed.
  const opening = openHelper({ root: store.root })
  try {
    const [state, helper] = await Promise.all([imageToRun(store, options, services), opening])
    for (const message of helper.limits) options.onWarning?.(message)
    const worker = treeWorker(helper, store.tempDir)
    const layers = new LayerWork(store, lease, async () => worker)
    const folder = mkdtempSync(join(store.tempDir, `${lease.id}-run-`))
    try {
      const mounting = { store, state, layers, worker, user: lease.id, lease }
      const mounts = await resolveMounts(mounting, options.mounts ?? [])
      try {
        const prepared = { options, state, layers, worker, helper, mounts: runMounts(store, mounts) }
        return await runIn(folder, prepared)
      } finally {
        store.volumes.letGo(lease.id)
        await removeAnonymous(store, mounts)
      }
    } finally {
      await worker.removeTree(folder)
    }
  } finally {
    const helper = await opening.catch(() => undefined)
    await helper?.close()
    lease.end()
  }
}

interface Prepared {
  readonly options: RunImageOptions
  readonly state: StageState
  readonly layers: LayerWork
  readonly worker: TreeWorker
  readonly helper: Helper
  readonly mounts: readonly RunMount[]
}

async function runIn(folder: string, prepared: Prepared): Promise<RunResult> {
  const { options, state, layers, helper } = prepared
  const { streams } = options
  const args = commandOf(options, state)
  const identity = await processIdentity(options.user ?? state.config.User ?? '', path =>
    layers.readFile(state.layers, path),
  )
  const further = await additionalGroups(options.groupAdd ?? [], path => layers.readFile(state.layers, path))
  const { cgroups, warnings } = limits(options.isolation?.resources)
  for (const message of warnings) options.onWarning?.(message)
  const lowers = await layers.trees(state.layers)
  const upper = join(folder, 'upper')
  mkdirSync(upper, { mode: 0o755 })
  mkdirSync(join(folder, 'work'))
  const cwd = options.workdir ?? state.config.WorkingDir ?? '/'
  await makeWorkdir(folder, prepared, cwd)
  return helper.run(
    {
      lowers,
      upper,
      work: join(folder, 'work'),
      mounts: prepared.mounts,
      ...(cgroups.length > 0 && { cgroups }),
      config: {
        ...options.isolation,
        args,
        env: environment(options, state, identity),
        cwd,
        uid: identity.uid,
        gid: identity.gid,
        additionalGids: [...identity.groups, ...further],
        networkMode: options.network ?? 'host',
        stdio: streams === 'inherit' ? 'inherit' : 'null',
        ...(typeof streams === 'object' && { terminal: streams }),
        ...(options.hostname !== undefined && { hostname: options.hostname }),
        ...(options.addHosts !== undefined && { extraHosts: options.addHosts }),
        ...(options.readonlyRoot === true && { readonlyRoot: true }),
      },
    },
    { signal: options.signal, onOutput: options.onOutput, onRunning: options.onRunning },
  )
}

async function imageToRun(store: Store, options: RunImageOptions, services: RunServices): Promise<StageState> {
  const { image, pull = 'missing' } = options
  const platform = options.platform ?? hostPlatform()
  const known = pull === 'always' ? undefined : findImage(store, image)
  if (known === undefined && pull === 'never') {
    throw new ShaleError('IMAGE_NOT_FOUND', `No such image: ${image}`, {
      exitCode: 125,
      hint: 'pull it, or run without --pull never',
    })
  }
  if (known === undefined) await services.pull(image, platform)
  const found = known ?? findImage(store, image)
  if (found === undefined) throw new ShaleError('IMAGE_NOT_FOUND', `No such image: ${image}`, { exitCode: 125 })
  return stateOf(store, image, await store.images.open(found.id, platform), platform)
}

/** Entrypoint and command as docker combines them. */
function commandOf(options: RunImageOptions, state: StageState): readonly string[] {
  const { Entrypoint = [], Cmd = [] } = state.config
  const given = options.command ?? []
  const own = options.entrypoint === undefined ? undefined : options.entrypoint === '' ? [] : [options.entrypoint]
  const args = [...(own ?? Entrypoint), ...(given.length > 0 || own !== undefined ? given : Cmd)]
  if (args.length > 0) return args
  throw new ShaleError('NO_COMMAND', `no command specified: ${options.image} names none and none was given`, {
    exitCode: 125,
    hint: 'write the command after the image',
  })
}

function environment(options: RunImageOptions, state: StageState, identity: Identity): readonly string[] {
  const image = state.config.Env ?? []
  const defaults = [
    `HOSTNAME=${options.hostname ?? DEFAULT_HOSTNAME}`,
    ...(typeof options.streams === 'object' ? ['TERM=xterm'] : []),
    `HOME=${identity.home}`,
  ]
  const missing = defaults.filter(line => !image.some(own => own.startsWith(line.slice(0, line.indexOf('=') + 1))))
  const before: readonly string[] = [...image, ...missing]
  return (options.env ?? []).reduce((env, line) => {
    const split = line.indexOf('=')
    return setEnv(env, line.slice(0, split), line.slice(split + 1))
  }, before)
}

/** docker makes a working directory that is not there, for root. */
async function makeWorkdir(folder: string, { state, layers, worker }: Prepared, cwd: string): Promise<void> {
  const view = await layers.view(state.layers)
  const path = resolvePath(view, toByteString(cwd))
  if (view.lookup(path)?.kind === 'directory') return
  const toc = tocOf(missingDirectories(view, path, { uid: 0, gid: 0, mtime: Math.floor(Date.now() / 1000) }))
  const file = join(folder, 'workdir')
  await writing(file, () => writeFile(file, encodeToc(toc)))
  const sources = [{ prefix: '', bytes: new Uint8Array(0) }]
  await worker.writeTree({ toc: file, sources, folder: join(folder, 'upper') })
}
