import { bytesItem, jsonItem } from '../archive/item.ts'
import { blobPath, CONTAINERD_NAME, LAYOUT, REF_NAME } from '../archive/layout.ts'
import { encodeIndex } from '../archive/save-oci.ts'
import { merged, presentImages, writeItem } from '../archive/write-folder.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { isForeignLayer } from '../oci/media-types.ts'
import { verified } from '../transfer/content-source.ts'
import type { ImageDocument } from '../transfer/document.ts'
import type { LayerEvent, OnTransferEvent } from '../transfer/events.ts'
import { forEachParallel } from '../transfer/parallel.ts'
import type { Fetcher, Pusher } from './types.ts'

/** An OCI layout in a folder, which is new, empty or a layout already. Throws `NOT_A_LAYOUT`. */
export async function layoutTarget(
  folder: string,
  name: string | undefined,
  onEvent?: OnTransferEvent | undefined,
): Promise<Pusher> {
  const present = await presentImages(folder)
  const attached: Descriptor[] = []
  const push = async (document: ImageDocument, from: Fetcher, signal: AbortSignal) => {
    const { raw, descriptor } = document
    await forEachParallel(blobsOf(document, onEvent), 3, signal, async (blob, signal) => {
      const open = () => reported(verified(from, blob, signal), blob, onEvent)
      const { digest, size } = blob
      const moved = await writeItem(folder, { path: blobPath(digest), size, open })
      tell(document, blob, moved ? 'done' : 'exists', onEvent)
    })
    await writeItem(folder, bytesItem(blobPath(descriptor.digest), raw))
  }
  return {
    name: folder,
    push,
    async attach(document, from, signal) {
      await push(document, from, signal)
      attached.push(document.descriptor)
    },
    async finish({ descriptor }) {
      const entries = [layoutEntry(descriptor, name), ...attached]
      await writeItem(folder, jsonItem('oci-layout', LAYOUT))
      await writeItem(folder, bytesItem('index.json', encodeIndex(merged(present, entries))))
    },
  }
}

/** A bare word is a tag for whoever reads layouts by the specification; a complete name is for containerd and docker too. */
export function layoutEntry(descriptor: Descriptor, name: string | undefined): Descriptor {
  if (name === undefined) return descriptor
  const complete = /[/:]/.test(name)
  const tag = complete ? name.slice(name.lastIndexOf(':') + 1) : name
  return { ...descriptor, annotations: { ...(complete && { [CONTAINERD_NAME]: name }), [REF_NAME]: tag } }
}

/** Config and layers of a manifest, each once; of its layers it is told that they wait. */
export function blobsOf({ parsed }: ImageDocument, onEvent?: OnTransferEvent | undefined): readonly Descriptor[] {
  if (parsed.kind === 'index') return []
  const { config, layers } = parsed.manifest
  const own = [...layers.filter(layer => !isForeignLayer(layer.mediaType)), config]
  const blobs = [...new Map<Digest, Descriptor>(own.map(blob => [blob.digest, blob])).values()]
  for (const blob of blobs) if (blob !== config) onEvent?.(event(blob, 'waiting', 0))
  return blobs
}

function tell(
  { parsed }: ImageDocument,
  blob: Descriptor,
  state: LayerEvent['state'],
  onEvent: OnTransferEvent | undefined,
): void {
  if (parsed.kind === 'manifest' && blob !== parsed.manifest.config) onEvent?.(event(blob, state, blob.size))
}

/** The bytes as they come, and word of them. */
export async function* reported(
  bytes: AsyncIterable<Uint8Array>,
  blob: Descriptor,
  onEvent: OnTransferEvent | undefined,
): AsyncGenerator<Uint8Array> {
  let moved = 0
  for await (const chunk of bytes) {
    yield chunk
    moved += chunk.byteLength
    onEvent?.(event(blob, 'moving', moved))
  }
}

function event({ digest, size }: Descriptor, state: LayerEvent['state'], moved: number): LayerEvent {
  return { kind: 'layer', digest, state, moved, size }
}
