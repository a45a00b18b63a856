import { ShaleError } from '../error.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { containerFolder } from './folder.ts'
import { isActive } from './settle.ts'
import { killContainer } from './signal.ts'

/**
 * Removes a container with everything that it wrote. Killed at any instant, it is either there or on its way and can be
 * removed again. Throws `CONTAINER_RUNNING` unless forced.
 */
export async function removeContainer(
  store: LocalStore,
  row: ContainerRow,
  options: { readonly force?: boolean | undefined } = {},
): Promise<void> {
  if (isActive(row)) {
    if (options.force !== true) throw runs(row)
    await killContainer(store, row)
  }
  const going = store.containers.change(row.id, { status: 'removing' }, now => !isActive(now))
  if (going === undefined && store.containers.get(row.id) !== undefined) throw runs(row)
  await store.removeTree(containerFolder(store, row.id).path)
  store.containers.remove(row.id)
}

function runs({ name, status }: ContainerRow): ShaleError {
  const word = status === 'restarting' ? 'restarting' : 'running'
  return new ShaleError(
    'CONTAINER_RUNNING',
    `cannot remove container "/${name}": container is ${word}: stop the container before removing or force remove`,
  )
}
