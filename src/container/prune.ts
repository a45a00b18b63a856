import { allocatedBytes } from '../store/allocated.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { labelThatKeeps, type PruneFilter } from '../store/prune-filter.ts'
import { containerFolder } from './folder.ts'
import { optionsOf } from './options.ts'
import { removeContainer } from './remove.ts'
import { isActive, settleAll } from './settle.ts'

/** A container that does not run, and what its folder takes on the disk. */
export interface PrunableContainer {
  readonly row: ContainerRow
  readonly bytes: number
}

/** Those that do not run and match. Nothing is changed but records of what has died. */
export function prunableContainers(store: LocalStore, filter: PruneFilter): readonly PrunableContainer[] {
  return settleAll(store)
    .filter(row => !isActive(row))
    .filter(({ createdAt }) => filter.before === undefined || createdAt < filter.before)
    .filter(row => labelThatKeeps(filter, optionsOf(row).labels) === undefined)
    .map(row => ({ row, bytes: allocatedBytes(containerFolder(store, row.id).path, new Set()) }))
}

/** Removes them; gives those that are gone. One that was started meanwhile stays. */
export async function pruneContainers(
  store: LocalStore,
  containers: readonly PrunableContainer[],
): Promise<readonly PrunableContainer[]> {
  const removed: PrunableContainer[] = []
  for (const each of containers) {
    const now = store.containers.get(each.row.id)
    if (now === undefined || isActive(now)) continue
    await removeContainer(store, now)
    removed.push(each)
  }
  return removed
}

/**
 * Image → a container that is made from it, for those that decide what images are needed. `going` are IDs of containers
 * that do not count, as they are removed first.
 */
export function imagesInUse(
  store: LocalStore,
  going: ReadonlySet<string> = new Set(),
): ReadonlyMap<ContainerRow['image'], string> {
  const staying = settleAll(store).filter(({ id }) => !going.has(id))
  return new Map(staying.map(({ image, name }) => [image, name]))
}
