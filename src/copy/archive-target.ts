import { type ArchiveItem, bytesItem, jsonItem } from '../archive/item.ts'
import { blobPath, LAYOUT } from '../archive/layout.ts'
import { dockerItems } from '../archive/save-docker.ts'
import { encodeIndex } from '../archive/save-oci.ts'
import { writeFileWhole } from '../archive/write-file.ts'
import { tarOf } from '../archive/write-tar.ts'
import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Lease, Store } from '../store/types.ts'
import { verified } from '../transfer/content-source.ts'
import type { ImageDocument } from '../transfer/document.ts'
import type { OnTransferEvent } from '../transfer/events.ts'
import { blobsOf, layoutEntry, reported } from './layout-target.ts'
import { storeTarget } from './store.ts'
import type { Fetcher, Pusher } from './types.ts'

/** An OCI archive. A tar is written from its first byte to its last, so that content is fetched when all is known. */
export function ociArchiveTarget(path: string, name: string | undefined, onEvent?: OnTransferEvent): Pusher {
  const items = new Map<string, ArchiveItem>()
  const attached: Descriptor[] = []
  const push = async (document: ImageDocument, from: Fetcher, signal: AbortSignal) => {
    for (const blob of blobsOf(document, onEvent)) {
      const open = async function* () {
        yield* reported(verified(from, blob, signal), blob, onEvent)
        onEvent?.({ kind: 'layer', digest: blob.digest, size: blob.size, moved: blob.size, state: 'done' })
      }
      const path = blobPath(blob.digest)
      if (!items.has(path)) items.set(path, { path, size: blob.size, open })
    }
    const own = blobPath(document.descriptor.digest)
    items.set(own, bytesItem(own, document.raw))
  }
  async function* all(top: Descriptor): AsyncGenerator<ArchiveItem> {
    yield* items.values()
    yield bytesItem('index.json', encodeIndex([layoutEntry(top, name), ...attached]))
    yield jsonItem('oci-layout', LAYOUT)
  }
  return {
    name: path,
    push,
    async attach(document, from, signal) {
      await push(document, from, signal)
      attached.push(document.descriptor)
    },
    finish: ({ descriptor }) => writeFileWhole(path, tarOf(all(descriptor))),
  }
}

/** A docker-archive, by way of the store: its layers are plain, and their sizes come before their bytes. */
export function dockerArchiveTarget(
  store: Store,
  lease: Lease,
  path: string,
  name: string | undefined,
  onEvent?: OnTransferEvent,
): Pusher {
  const staged = storeTarget(store, lease, undefined, onEvent)
  return {
    ...staged,
    name: path,
    async push(document, from, signal) {
      if (document.parsed.kind === 'index') {
        throw new ShaleError('ONE_PLATFORM', 'a docker-archive has an image for one platform only', {
          hint: 'copy to oci-archive:, or without --all-platforms',
        })
      }
      await staged.push(document, from, signal)
    },
    async finish({ descriptor }) {
      const image = { id: descriptor.digest, names: name === undefined ? [] : [name] }
      await writeFileWhole(path, tarOf(dockerItems(store, [image], undefined)))
    },
  }
}
