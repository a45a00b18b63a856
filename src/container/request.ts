import { existsSync, mkdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LayerWork } from '../build/layer-work.ts'
import { missingDirectories } from '../build/ops/workdir.ts'
import type { TreeWorker } from '../build/tree-worker.ts'
import { additionalGroups, type Identity, processIdentity } from '../build/users.ts'
import { writing } from '../error.ts'
import { fromByteString, toByteString } from '../layer/entry.ts'
import { tocOf } from '../layer/toc.ts'
import { encodeToc } from '../layer/toc-codec.ts'
import { DEFAULT_NETWORK } from '../network/options.ts'
import { type NetworkPlan, planNetwork } from '../network/plan.ts'
import { resolvePath } from '../rootfs/resolve.ts'
import { limits } from '../sandbox/cgroup/limits.ts'
import type { RunConfig, RunRequest } from '../sandbox/run-request.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { containerFolder } from './folder.ts'
import type { ImageToRun } from './image.ts'
import { runMounts } from './mounts/run-mounts.ts'
import type { ContainerOptions } from './options.ts'

export interface Requesting {
  readonly store: LocalStore
  readonly row: ContainerRow
  readonly options: ContainerOptions
  readonly image: ImageToRun
  readonly layers: LayerWork
  readonly worker: TreeWorker
  /** What the machine does not allow here. */
  readonly onWarning?: ((message: string) => void) | undefined
}

/** What the sandbox is to do for a container. Trees that are missing are made. Throws `UNKNOWN_USER`. */
export async function runRequest(
  requesting: Requesting,
  streams: Pick<RunConfig, 'stdio' | 'terminal'>,
): Promise<RunRequest> {
  const { store, row, options, image, layers, onWarning } = requesting
  const { state } = image
  const read = (path: string) => layers.readFile(state.layers, path)
  const identity = await processIdentity(options.user, read)
  const further = await additionalGroups(options.groupAdd ?? [], read)
  const { cgroups, warnings } = limits(options.isolation?.resources)
  const network = await startedNetwork(requesting)
  for (const message of [...warnings, ...network.warnings]) onWarning?.(message)
  const lowers = await layers.trees(state.layers)
  const { upper, work } = containerFolder(store, row.id)
  mkdirSync(work)
  await makeWorkdir(requesting)
  const hostname = options.hostname ?? row.id.slice(0, 12)
  return {
    lowers,
    upper,
    work,
    mounts: runMounts(store, options.mounts ?? []),
    ...(cgroups.length > 0 && { cgroups }),
    ...(network.network !== undefined && { network: network.network }),
    config: {
      ...options.isolation,
      args: [...options.entrypoint, ...options.command],
      env: environment(options, identity, hostname),
      cwd: options.workdir,
      uid: identity.uid,
      gid: identity.gid,
      additionalGids: [...identity.groups, ...further],
      networkMode: network.mode,
      ...(options.network?.dns !== undefined && { dns: options.network.dns }),
      ...streams,
      hostname,
      ...(options.addHosts !== undefined && { extraHosts: options.addHosts }),
      ...(options.readonlyRoot === true && { readonlyRoot: true }),
    },
  }
}

/** Finds places for its ports and writes them down, for those who ask. */
async function startedNetwork({ store, row, options }: Requesting): Promise<NetworkPlan> {
  const plan = await planNetwork(options.network ?? DEFAULT_NETWORK, options.exposedPorts ?? [])
  const networked = { mode: plan.mode, ports: plan.network?.ports ?? [] }
  store.containers.change(row.id, { options: JSON.stringify({ ...options, networked }) })
  return plan
}

function environment({ env, tty }: ContainerOptions, identity: Identity, hostname: string): readonly string[] {
  const defaults = [`HOSTNAME=${hostname}`, ...(tty ? ['TERM=xterm'] : []), `HOME=${identity.home}`]
  const has = (line: string) => env.some(own => own.startsWith(line.slice(0, line.indexOf('=') + 1)))
  return [...env, ...defaults.filter(line => !has(line))]
}

/** docker makes a working directory that is not there, for root. */
async function makeWorkdir({ store, row, options, image, layers, worker }: Requesting): Promise<void> {
  const view = await layers.view(image.state.layers)
  const path = resolvePath(view, toByteString(options.workdir))
  if (view.lookup(path)?.kind === 'directory') return
  const folder = containerFolder(store, row.id)
  // Made at an earlier start.
  if (existsSync(join(folder.upper, fromByteString(path)))) return
  const toc = tocOf(missingDirectories(view, path, { uid: 0, gid: 0, mtime: Math.floor(Date.now() / 1000) }))
  const file = join(folder.path, 'workdir')
  await writing(file, () => writeFile(file, encodeToc(toc)))
  const sources = [{ prefix: '', bytes: new Uint8Array(0) }]
  await worker.writeTree({ toc: file, sources, folder: folder.upper })
}
