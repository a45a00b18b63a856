import type { PullImage } from '../build/base-image.ts'
import { LayerWork } from '../build/layer-work.ts'
import { treeWorker } from '../build/tree-worker.ts'
import { ShaleError } from '../error.ts'
import type { NetworkOptions } from '../network/options.ts'
import type { Platform } from '../oci/platform.ts'
import { type Helper, openHelper, type RunningCommand } from '../sandbox/helper.ts'
import type { Isolation } from '../sandbox/isolation.ts'
import type { RunConfig, RunOutput, RunResult, TerminalSize } from '../sandbox/run-request.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import type { Lease } from '../store/types.ts'
import { createContainer } from './create.ts'
import { containerFolder } from './folder.ts'
import { containerOptions } from './from-image.ts'
import { type ImageToRun, imageToRun } from './image.ts'
import { keeperOf } from './keeper.ts'
import type { ContainerMount } from './mounts/types.ts'
import { type HealthOptions, type LogOptions, optionsOf, type RestartPolicy } from './options.ts'
import { keeperRecord } from './records.ts'
import { removeContainer } from './remove.ts'
import { runRequest } from './request.ts'
import { type Supervised, supervise } from './supervise.ts'

/** What to make of an image. */
export interface RunImageOptions {
  /** Name or ID. */
  readonly image: string
  /** Of the container; one is made up when absent. */
  readonly name?: string | undefined
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
  readonly network?: NetworkOptions | undefined
  readonly hostname?: string | undefined
  readonly addHosts?: readonly { readonly name: string; readonly address: string }[] | undefined
  readonly readonlyRoot?: boolean | undefined
  /** What it may do and see besides. */
  readonly isolation?: Isolation | undefined
  readonly platform?: Platform | undefined
  readonly pull?: 'always' | 'missing' | 'never' | undefined
  /** On top of the image's. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** Nothing of the container stays when it has ended. Default true. */
  readonly autoRemove?: boolean | undefined
  readonly restart?: RestartPolicy | undefined
  /** Name; the image's, else SIGTERM, when absent. */
  readonly stopSignal?: string | undefined
  /** Seconds until `stop` kills it; default 10, -1 for never. */
  readonly stopTimeout?: number | undefined
  readonly log?: LogOptions | undefined
  /** In place of parts of the image's check; an empty `test` is no check. */
  readonly health?: Partial<HealthOptions> | undefined
  /** The standard input stays open for whoever attaches. */
  readonly interactive?: boolean | undefined
  /**
   * `inherit`: the command has our own three streams. `output`: nothing to read, output as events. A size: a terminal of
   * its own, with output as events and input through `onRunning`.
   */
  readonly streams: 'inherit' | 'output' | TerminalSize
}

/** How to run it in the foreground. */
export interface RunImageHooks {
  readonly onOutput?: ((output: RunOutput) => void) | undefined
  /** What the machine does not allow here, such as more than one user. */
  readonly onWarning?: ((message: string) => void) | undefined
  /** Called with the container's ID when there is one. */
  readonly onCreated?: ((id: string) => void) | undefined
  /** Called with what can be done to the command when it is about to begin. */
  readonly onRunning?: ((command: RunningCommand) => void) | undefined
  /** Aborting ends the container at once. */
  readonly signal?: AbortSignal | undefined
}

export interface RunServices {
  readonly pull: PullImage
  /** Gives the helper that runs it, and that is closed at its end; one is started when absent. */
  readonly openHelper?: (() => Promise<Helper>) | undefined
}

/**
 * Runs an image's command (or another) in a container and gives how it ended. The container has a record like any other
 * while it runs. Throws `IMAGE_NOT_FOUND`, `NO_COMMAND`, `UNKNOWN_USER` before anything runs.
 */
export async function runImage(
  store: LocalStore,
  options: RunImageOptions & RunImageHooks,
  services: RunServices,
): Promise<RunResult> {
  const lease = store.lease('run')
  // Its start takes longer than all that comes before it is needed.
  const opening = services.openHelper?.() ?? openHelper({ root: store.root })
  try {
    const [image, helper] = await Promise.all([imageToRun(store, options, services.pull), opening])
    for (const message of helper.limits) options.onWarning?.(message)
    return await runFrom({ store, image, helper, lease }, options)
  } finally {
    const helper = await opening.catch(() => undefined)
    await helper?.close()
    lease.end()
  }
}

interface Tools {
  readonly store: LocalStore
  readonly image: ImageToRun
  readonly helper: Helper
  readonly lease: Lease
}

async function runFrom(tools: Tools, options: RunImageOptions & RunImageHooks): Promise<RunResult> {
  const { store, image, helper, lease } = tools
  const worker = treeWorker(helper, store.tempDir)
  const layers = new LayerWork(store, lease, async () => worker)
  const keeper = keeperOf(process.pid)
  const asked = containerOptions(options, image)
  const { name, mounts = [] } = options
  const row = await createContainer(
    { store, image, layers, worker: async () => worker },
    { options: asked, mounts, name, keeper },
  )
  const record = keeperRecord(store, row.id)
  try {
    options.onCreated?.(row.id)
    const own = optionsOf(row)
    const requesting = { store, row, options: own, image, layers, worker, onWarning: options.onWarning }
    const request = await runRequest(requesting, streamsOf(options))
    const folder = containerFolder(store, row.id)
    const { signal, onOutput, onRunning } = options
    const result = await supervise({ helper, request, folder, options: own, record, signal, onOutput, onRunning })
    if (asked.autoRemove) await removeOwn(store, row, helper)
    return result
  } catch (error) {
    await leaveFailed({ store, row, helper, record, autoRemove: asked.autoRemove }, error)
    throw error
  }
}

interface Failed {
  readonly store: LocalStore
  readonly row: ContainerRow
  readonly helper: Helper
  readonly record: Supervised['record']
  readonly autoRemove: boolean
}

/** What went wrong is what is said: a disk so full that this cannot be written down either must not hide it. */
async function leaveFailed({ store, row, helper, record, autoRemove }: Failed, error: unknown): Promise<void> {
  try {
    record({ status: 'created', keeper: undefined, exitCode: exitCodeOf(error), error: (error as Error).message })
    if (autoRemove) await removeOwn(store, row, helper)
  } catch {
    // The next command finds a container without a keeper and settles it.
  }
}

function exitCodeOf(error: unknown): number {
  return error instanceof ShaleError ? (error.exitCode ?? 125) : 125
}

/** Files of mapped users are deleted by the helper, which is there already. */
export async function removeOwn(store: LocalStore, { id }: ContainerRow, helper: Helper): Promise<void> {
  const removeTree = async (path: string) => void (await helper.call('removeTree', { path }))
  const row = store.containers.get(id)
  if (row !== undefined) await removeContainer({ ...store, removeTree }, row, { volumes: true })
}

function streamsOf({ streams }: RunImageOptions): Pick<RunConfig, 'stdio' | 'terminal'> {
  if (typeof streams === 'object') return { stdio: 'null', terminal: streams }
  return { stdio: streams === 'inherit' ? 'inherit' : 'null' }
}
