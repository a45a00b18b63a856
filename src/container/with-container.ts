import { LayerWork } from '../build/layer-work.ts'
import { type TreeWorker, treeWorker } from '../build/tree-worker.ts'
import { openHelper } from '../sandbox/helper.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import type { Lease } from '../store/types.ts'
import { type ImageToRun, imageOfContainer } from './image.ts'
import { type ContainerOptions, optionsOf } from './options.ts'

/** What there is to look into a container with, whether it runs or not. */
export interface ContainerTools {
  readonly store: LocalStore
  readonly row: ContainerRow
  readonly options: ContainerOptions
  readonly image: ImageToRun
  readonly layers: LayerWork
  readonly worker: TreeWorker
  readonly lease: Lease
}

/** Opens a helper for one piece of work on a container's files, and closes it. */
export async function withContainer<T>(
  store: LocalStore,
  row: ContainerRow,
  work: (tools: ContainerTools) => Promise<T>,
): Promise<T> {
  const lease = store.lease('container')
  const opening = openHelper({ root: store.root, runs: false })
  try {
    const options = optionsOf(row)
    const [image, helper] = await Promise.all([imageOfContainer(store, row, options), opening])
    const worker = treeWorker(helper, store.tempDir)
    const layers = new LayerWork(store, lease, async () => worker)
    return await work({ store, row, options, image, layers, worker, lease })
  } finally {
    const helper = await opening.catch(() => undefined)
    await helper?.close()
    lease.end()
  }
}
