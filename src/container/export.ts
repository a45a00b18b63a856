import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LayerBlobs } from '../build/layer-blobs.ts'
import { writeChainTar } from '../build/outputs/flat-layer.ts'
import type { ChainLayer } from '../build/stage-state.ts'
import { ownLayer } from './own-layer.ts'
import type { ContainerTools } from './with-container.ts'

/** All files of a container as a plain tar: its image with what it has written on top, without mounts and volumes. */
export async function* exportContainer(tools: ContainerTools): AsyncGenerator<Uint8Array> {
  const { store, image, layers, worker, lease } = tools
  const chain: readonly ChainLayer[] = [
    ...image.state.layers,
    { record: await ownLayer(tools), imported: false, times: 'keep' },
  ]
  const blobs = new LayerBlobs({ store, lease, layers, worker: async () => worker }, { compression: 'none' })
  const out = join(store.tempDir, `export-${lease.id}`)
  try {
    await writeChainTar({ store, lease, layers, blobs }, chain, { out, prefix: '' })
    yield* createReadStream(out, { highWaterMark: 256 * 1024 })
  } finally {
    await rm(out, { force: true })
    await blobs.close()
  }
}
