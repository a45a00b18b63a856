import { toByteString } from '../layer/entry.ts'
import type { LayerRecord } from '../store/types.ts'
import { changedFiles } from './changes.ts'
import { containerFolder } from './folder.ts'
import type { ContainerTools } from './with-container.ts'

/** What the container has written, copied: it goes on writing, and may be removed. */
export async function ownLayer(tools: ContainerTools): Promise<LayerRecord> {
  const { store, row, worker, lease } = tools
  const toc = await changedFiles(tools)
  const record = await store.layers.add(lease, { toc })
  if (store.trees.find(record.tocDigest, lease) !== undefined) return record
  const writer = store.trees.begin(lease, record.tocDigest)
  try {
    const sources = [{ prefix: '', path: toByteString(containerFolder(store, row.id).upper) }]
    await worker.writeTree({ toc: store.blobs.path(record.tocDigest), sources, folder: writer.path })
    writer.commit()
    return record
  } catch (error) {
    await writer.abort()
    throw error
  }
}
