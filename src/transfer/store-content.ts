import { createReadStream } from 'node:fs'
import type { Store } from '../store/types.ts'
import type { ContentSource } from './content-source.ts'

/**
 * The store's blobs as a source. From the first byte on they are verified; who reads the end of one only must have
 * somebody verify the whole, as registries do.
 */
export function storeContent(store: Store): ContentSource {
  return {
    name: 'the store',
    stream: ({ digest }, _signal, from = 0) =>
      from === 0
        ? store.blobs.stream(digest)
        : createReadStream(store.blobs.path(digest), { start: from, highWaterMark: 256 * 1024 }),
  }
}
