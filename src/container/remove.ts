import { ShaleError } from '../error.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { containerFolder } from './folder.ts'
import { removeAnonymous } from './mounts/resolve.ts'
import { optionsOf } from './options.ts'
import { isActive } from './settle.ts'
import { killContainer } from './signal.ts'

export interface RemoveOptions {
  /** One that runs is killed. */
  readonly force?: boolean | undefined
  /** The volumes that were made for it alone go with it. */
  readonly volumes?: boolean | undefined
}

/**
 * Removes a container with everything that it wrote. Killed at any instant, it is either there or on its way and can be
 * removed again. Throws `CONTAINER_RUNNING` unless forced.
 */
export async function removeContainer(
  store: LocalStore,
  row: ContainerRow,
  options: RemoveOptions = {},
): Promise<void> {
  if (isActive(row)) {
    if (options.force !== true) throw runs(row)
    await killContainer(store, row)
  }
  const going = store.containers.change(row.id, { status: 'removing' }, now => !isActive(now))
  const left = going ?? store.containers.get(row.id)
  if (going === undefined && left !== undefined) throw runs(row)
  await store.removeTree(containerFolder(store, row.id).path)
  const mounts = left === undefined ? [] : mountsOf(left)
  store.database.write(() => {
    store.volumes.letGo(row.id)
    store.containers.remove(row.id)
  })
  if (options.volumes === true) await removeAnonymous(store, mounts)
}

/** A record that cannot be read must not keep its container. */
function mountsOf(row: ContainerRow) {
  try {
    return optionsOf(row).mounts ?? []
  } catch {
    return []
  }
}

function runs({ name, status }: ContainerRow): ShaleError {
  const word = status === 'restarting' ? 'restarting' : 'running'
  return new ShaleError(
    'CONTAINER_RUNNING',
    `cannot remove container "/${name}": container is ${word}: stop the container before removing or force remove`,
  )
}
