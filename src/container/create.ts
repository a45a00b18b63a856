import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { ShaleError } from '../error.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { containerFolder } from './folder.ts'
import { checkContainerName, generatedName } from './names.ts'
import { type ContainerOptions, optionsOf } from './options.ts'
import type { ImageToRun } from './run.ts'

/**
 * Records a container of the image; nothing of it runs. Without a name it gets one. Throws `INVALID_NAME`,
 * `CONTAINER_NAME_TAKEN`.
 */
export function addContainer(
  store: LocalStore,
  image: ImageToRun,
  options: ContainerOptions,
  name: string | undefined,
): ContainerRow {
  const id = randomBytes(32).toString('hex')
  const given = name === undefined ? undefined : checkContainerName(name)
  const row = { id, image: image.id, createdAt: Date.now(), options: JSON.stringify(options) }
  // What cannot be read back must not be written.
  optionsOf(row)
  store.database.write(() => {
    const names = given === undefined ? new Set(store.containers.list().map(other => other.name)) : new Set<string>()
    store.containers.add({ ...row, name: given ?? generatedName(candidate => names.has(candidate)) })
  })
  try {
    const folder = containerFolder(store, id)
    mkdirSync(folder.path, { mode: 0o700 })
    mkdirSync(folder.upper, { mode: 0o755 })
  } catch (error) {
    store.containers.remove(id)
    throw error
  }
  const added = store.containers.get(id)
  if (added === undefined)
    throw new ShaleError('CONTAINER_NOT_FOUND', `container ${id.slice(0, 12)} was removed at once`)
  return added
}
