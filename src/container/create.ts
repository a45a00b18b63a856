import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import type { LayerWork } from '../build/layer-work.ts'
import type { TreeWorker } from '../build/tree-worker.ts'
import { ShaleError } from '../error.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { containerFolder } from './folder.ts'
import type { ImageToRun } from './image.ts'
import { resolveMounts } from './mounts/resolve.ts'
import type { ContainerMount } from './mounts/types.ts'
import { checkContainerName, generatedName } from './names.ts'
import { type ContainerOptions, optionsOf } from './options.ts'
import { removeContainer } from './remove.ts'

export interface Creating {
  readonly store: LocalStore
  readonly image: ImageToRun
  readonly layers: LayerWork
  /** Asked for only when there is something to mount. */
  readonly worker: () => Promise<TreeWorker>
}

export interface NewContainerOptions {
  readonly options: ContainerOptions
  /** Besides the image's own volumes. */
  readonly mounts: readonly ContainerMount[]
  /** A name is made up when absent. */
  readonly name?: string | undefined
  /** Who is about to start it. */
  readonly keeper?: string | undefined
}

/**
 * Records a container of the image and brings its volumes; nothing of it runs, and nothing of it is left when this
 * fails. Throws `INVALID_NAME`, `CONTAINER_NAME_TAKEN`.
 */
export async function createContainer(creating: Creating, made: NewContainerOptions): Promise<ContainerRow> {
  const { store, image } = creating
  const row = addRow(creating, made)
  try {
    const folder = containerFolder(store, row.id)
    mkdirSync(folder.path, { mode: 0o700 })
    mkdirSync(folder.upper, { mode: 0o755 })
    if (made.mounts.length === 0 && Object.keys(image.state.config.Volumes ?? {}).length === 0) return row
    const services = { ...creating, state: image.state, worker: await creating.worker(), user: row.id }
    const mounts = await resolveMounts(services, made.mounts)
    const options = JSON.stringify({ ...made.options, mounts })
    store.containers.change(row.id, { options })
    return { ...row, options }
  } catch (error) {
    store.containers.change(row.id, { status: 'created', keeper: undefined })
    await removeContainer(store, { ...row, status: 'created' }, { volumes: true })
    throw error
  }
}

function addRow({ store, image }: Creating, { options, name, keeper }: NewContainerOptions): ContainerRow {
  const id = randomBytes(32).toString('hex')
  const given = name === undefined ? undefined : checkContainerName(name)
  const row = { id, image: image.id, createdAt: Date.now(), options: JSON.stringify(options), keeper }
  // What cannot be read back must not be written.
  optionsOf(row)
  return store.database.write(() => {
    const names = given === undefined ? new Set(store.containers.list().map(other => other.name)) : new Set<string>()
    store.containers.add({ ...row, name: given ?? generatedName(candidate => names.has(candidate)) })
    const added = store.containers.get(id)
    if (added === undefined) throw new ShaleError('CONTAINER_NOT_FOUND', `container ${id} was removed at once`)
    return added
  })
}
