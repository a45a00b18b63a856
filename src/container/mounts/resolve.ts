import { readdir } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { chainSource } from '../../build/copy/chain-source.ts'
import type { LayerWork } from '../../build/layer-work.ts'
import { subtreeOf } from '../../build/mounts/subtree.ts'
import { MountTrees, type TreeContent } from '../../build/mounts/trees.ts'
import type { StageState } from '../../build/stage-state.ts'
import type { TreeWorker } from '../../build/tree-worker.ts'
import { isErrno, ShaleError } from '../../error.ts'
import { tocOf } from '../../layer/toc.ts'
import type { Lease, Store } from '../../store/types.ts'
import type { VolumeInfo } from '../../store/volumes.ts'
import type { ContainerMount, ResolvedMount, VolumeMount } from './types.ts'

export interface MountServices {
  readonly store: Store
  /** The image that the container is made from. */
  readonly state: StageState
  readonly layers: LayerWork
  readonly worker: TreeWorker
  /** Who has the volumes from now on: the container's ID. */
  readonly user: string
  /** With one the volumes are kept as long as it lives, else until somebody lets go of them. */
  readonly lease?: Lease | undefined
}

/**
 * What a container gets mounted: what was asked for, and anonymous volumes for what the image declares. Volumes that are
 * missing are made; an empty one takes what the image has there, whole or not at all. What is above comes first. Throws
 * `DUPLICATE_MOUNT`, `INVALID_VOLUME_NAME`.
 */
export async function resolveMounts(
  services: MountServices,
  asked: readonly ContainerMount[],
): Promise<readonly ResolvedMount[]> {
  const all = [...asked, ...declaredVolumes(services.state, asked)]
  checkTargets(all)
  const resolved: ResolvedMount[] = []
  for (const mount of all) resolved.push(mount.type === 'volume' ? await bringVolume(services, mount) : mount)
  return resolved.toSorted((a, b) => depth(a.target) - depth(b.target))
}

/** Removes the volumes that were made for this container alone. Nobody may have them any more. */
export async function removeAnonymous({ volumes }: Store, mounts: readonly ResolvedMount[]): Promise<void> {
  for (const mount of mounts) {
    if (mount.type !== 'volume' || !mount.anonymous) continue
    if (volumes.get(mount.name)?.users.length === 0) await volumes.remove(mount.name)
  }
}

function declaredVolumes({ config }: StageState, asked: readonly ContainerMount[]): readonly VolumeMount[] {
  const taken = new Set(asked.map(({ target }) => target))
  return Object.keys(config.Volumes ?? {})
    .map(path => posix.resolve('/', path))
    .filter(target => target !== '/' && !taken.has(target))
    .map(target => ({ type: 'volume', target, readonly: false }))
}

function checkTargets(mounts: readonly ContainerMount[]): void {
  const seen = new Set<string>()
  for (const { target } of mounts) {
    if (seen.has(target)) {
      throw new ShaleError('DUPLICATE_MOUNT', `Duplicate mount point: ${target}`, { hint: 'mount one thing there' })
    }
    seen.add(target)
  }
}

function depth(path: string): number {
  return path.split('/').length
}

async function bringVolume(services: MountServices, mount: VolumeMount): Promise<ResolvedMount> {
  const { store, user, lease } = services
  const { volumes } = store
  const { name, labels, options } = mount
  const volume = volumes.create({ name, labels, options })
  volumes.use(volume.name, user, lease)
  const keepsAsItIs = mount.nocopy === true || mount.subpath !== undefined || volume.options.device !== undefined
  const content = keepsAsItIs ? undefined : await contentFor(services, volume, mount.target)
  if (content === undefined) volumes.fill(volume.name, user)
  else await fillWith(services, volume, content)
  return { ...mount, name: volume.name, anonymous: volume.anonymous }
}

/** What the image has at the target, for an empty volume; undefined when there is nothing to give or to take. */
async function contentFor(
  { store, state, layers, user }: MountServices,
  { name, mountpoint }: VolumeInfo,
  target: string,
): Promise<TreeContent | undefined> {
  const volume = store.volumes.get(name)
  if (volume === undefined || (volume.filled && volume.users.some(other => other !== user))) return undefined
  if (!(await isEmpty(mountpoint))) return undefined
  const source = chainSource(state.layers, await layers.view(state.layers), 'the image')
  const subtree = await subtreeOf(source, target, Math.floor(Date.now() / 1000))
  if (subtree === undefined || subtree.isFile) return undefined
  return { toc: tocOf(subtree.planned.map(({ entry }) => entry)), planned: subtree.planned }
}

/** Owner and mode of the folder included. It is written beside the volume's folder and takes its place at once. */
async function fillWith(
  { store, layers, worker, user }: MountServices,
  { name, mountpoint }: VolumeInfo,
  content: TreeContent,
): Promise<void> {
  const removeTree = (path: string) => worker.removeTree(path)
  const folder = join(dirname(mountpoint), `new-${user}`)
  const trees = new MountTrees({ layers, worker: async () => worker, folder: () => folder, removeTree })
  await removeTree(folder)
  let placed = false
  try {
    await trees.fillNew(content, folder)
    placed = store.volumes.fill(name, user, folder)
  } finally {
    if (!placed) await removeTree(folder)
  }
}

/** A folder that we may not look into belongs to somebody, who has put something there. */
async function isEmpty(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM')) return false
    throw error
  }
}
