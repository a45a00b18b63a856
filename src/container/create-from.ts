import { LayerWork } from '../build/layer-work.ts'
import { treeWorker } from '../build/tree-worker.ts'
import { type Helper, openHelper } from '../sandbox/helper.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { createContainer } from './create.ts'
import { containerOptions } from './from-image.ts'
import { imageToRun } from './image.ts'
import type { RunImageOptions, RunServices } from './run.ts'

/** Makes a container of an image; nothing of it runs. Throws as `runImage` does before anything runs. */
export async function createFrom(
  store: LocalStore,
  options: RunImageOptions,
  services: RunServices,
  onWarning: (message: string) => void = () => {},
): Promise<ContainerRow> {
  const lease = store.lease('create')
  let helper: Helper | undefined
  const worker = async () => {
    helper ??= await openHelper({ root: store.root, runs: false })
    return treeWorker(helper, store.tempDir)
  }
  try {
    const image = await imageToRun(store, options, services.pull)
    const layers = new LayerWork(store, lease, worker)
    const { name, mounts = [] } = options
    const row = await createContainer(
      { store, image, layers, worker },
      { options: containerOptions(options, image), mounts, name },
    )
    for (const message of (helper as Helper | undefined)?.limits ?? []) onWarning(message)
    return row
  } finally {
    await (helper as Helper | undefined)?.close()
    lease.end()
  }
}
