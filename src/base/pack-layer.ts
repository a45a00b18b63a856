import { open } from 'node:fs/promises'
import { writing } from '../error.ts'
import type { Content } from '../layer/content.ts'
import { type ByteString, parentPath } from '../layer/entry.ts'
import { packLayer } from '../layer/pack.ts'
import type { Toc } from '../layer/toc.ts'
import { TocBuilder } from '../layer/toc-builder.ts'
import type { Digest } from '../oci/digest.ts'
import { type Compression, ociLayerType } from '../oci/media-types.ts'
import type { LayerBlob, Lease, Store } from '../store/types.ts'
import { type LayerFiles, MadeFiles } from './layer-files.ts'

export interface BaseLayer {
  readonly diffId: Digest
  readonly blob: LayerBlob
}

/** Packs a layer into the store; of two entries of one path the later counts. Equal files give equal bytes. */
export async function packFiles(
  { store, lease }: { readonly store: Store; readonly lease: Lease },
  parts: readonly LayerFiles[],
  { compression, signal }: { readonly compression: Compression; readonly signal?: AbortSignal | undefined },
): Promise<BaseLayer> {
  const contents = new Map<ByteString, Content>(parts.flatMap(part => [...part.contents]))
  const writer = store.blobs.writer(lease)
  const file = await open(writer.path, 'wx', 0o600)
  try {
    const sink = (chunk: Uint8Array) => writing(writer.path, () => file.appendFile(chunk))
    const packed = await packLayer(tableOf(parts), entry => contents.get(entry.path) ?? new Uint8Array(0), {
      ...{ compression, sink },
      ...(signal !== undefined && { signal }),
    })
    await file.sync()
    await file.close()
    const { digest, size, annotations, packer, diffId, toc } = packed
    await store.blobs.adopt(lease, writer.path, { digest, size })
    const blob: LayerBlob = { digest, size, compression, mediaType: ociLayerType(compression), packer, annotations }
    const { id } = await store.layers.add(lease, { toc, diffId })
    store.layers.setPacked(lease, id, diffId, blob)
    return { diffId, blob }
  } catch (error) {
    await file.close().catch(() => undefined)
    await writer.abort()
    throw error
  }
}

/** Folders that only stand in the way to a file are added, as a package may leave them out. */
function tableOf(parts: readonly LayerFiles[]): Toc {
  const entries = parts.flatMap(part => part.entries)
  const paths = new Set(entries.map(({ path }) => path))
  const missing = new Set<ByteString>()
  for (const { path } of entries) {
    for (let up = parentPath(path); up !== '' && !paths.has(up); up = parentPath(up)) missing.add(up)
  }
  const made = new MadeFiles(Math.max(0, ...entries.map(({ mtime }) => mtime)))
  for (const path of missing) made.directory(path)
  const builder = new TocBuilder()
  // The root is the container's.
  for (const entry of [...made.files().entries, ...entries]) if (entry.path !== '') builder.add(entry)
  return builder.finish()
}
