import { hash } from 'node:crypto'
import { ShaleError } from '../error.ts'
import { type ByteString, type FileEntry, fromByteString, toByteString } from '../layer/entry.ts'
import { readLayer } from '../layer/read.ts'
import { findEntry } from '../layer/toc.ts'
import type { LayerRecord, Store, StoredImage } from '../store/types.ts'
import { resolvePath } from './resolve.ts'
import { type LayeredView, layeredView } from './view.ts'

/** An image's layers and files, from tables of contents; only `readFile` touches a blob. */
export interface ImageFiles {
  readonly image: StoredImage
  /** Lowest first. */
  readonly layers: readonly LayerRecord[]
  /** All layers as one file system. */
  readonly view: LayeredView
  /** The content of a file, symlinks followed; verified. Throws `FILE_NOT_FOUND`, `FILE_TOO_LARGE`. */
  readFile(path: string, limit?: number): Promise<Buffer>
}

const DEFAULT_LIMIT = 256 * 1024 * 1024

/** Throws `LAYER_MISSING` when a layer of the image is not in the store. */
export async function imageFiles(store: Store, image: StoredImage): Promise<ImageFiles> {
  const layers = image.config.rootfs.diff_ids.map(diffId => {
    const record = store.layers.byDiffId(diffId)
    if (record !== undefined) return record
    throw new ShaleError('LAYER_MISSING', `layer ${diffId} of image ${image.digest} is not in the store`, {
      hint: '`shale system check --repair` reads it from its blob if that is there; else pull or build the image again',
    })
  })
  const view = layeredView(await Promise.all(layers.map(record => store.layers.toc(record))))
  return {
    image,
    layers,
    view,
    readFile: async (path, limit = DEFAULT_LIMIT) => {
      const { entry, record } = locateFile(layers, view, path)
      if (entry.size > limit) {
        throw new ShaleError('FILE_TOO_LARGE', `${path} has ${entry.size} bytes, more than the limit of ${limit}`)
      }
      return readEntry(store, record, entry)
    },
  }
}

function locateFile(
  layers: readonly LayerRecord[],
  view: LayeredView,
  path: string,
): { readonly entry: FileEntry; readonly record: LayerRecord } {
  const located = view.locate(resolvePath(view, toByteString(path)))
  const toc = located === undefined ? undefined : view.layers[located.layer]
  const found =
    located?.entry.kind === 'hardlink' && toc !== undefined ? findEntry(toc, located.entry.target) : located?.entry
  const record = located === undefined ? undefined : layers[located.layer]
  if (found?.kind === 'file' && record !== undefined) return { entry: found, record }
  const why = located === undefined ? 'the image has no such file' : `it is a ${located.entry.kind}`
  throw new ShaleError('FILE_NOT_FOUND', `cannot read ${path}: ${why}`)
}

/** Reads the layer's blob up to the file; nothing is unpacked. */
async function readEntry(store: Store, record: LayerRecord, entry: FileEntry): Promise<Buffer> {
  const blob = record.blobs.find(({ digest, size }) => store.blobs.size(digest) === size)
  if (blob === undefined) {
    throw new ShaleError('LAYER_MISSING', `the blob of layer ${record.diffId ?? record.contentId} is not in the store`)
  }
  for await (const member of readLayer(store.blobs.stream(blob.digest), blob.compression)) {
    if (member.entry.kind !== 'file' || member.entry.path !== entry.path) continue
    const bytes = member.whole === undefined ? await collect(member.content) : Buffer.from(member.whole)
    return verified(bytes, entry)
  }
  throw new ShaleError('FILE_NOT_FOUND', `${display(entry.path)} is not in the blob ${blob.digest}`)
}

async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of content) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

function verified(bytes: Buffer, entry: FileEntry): Buffer {
  if (hash('sha256', bytes, 'hex') === entry.digest) return bytes
  throw new ShaleError('BLOB_DAMAGED', `${display(entry.path)} in the store does not have the digest ${entry.digest}`)
}

function display(path: ByteString): string {
  return `/${fromByteString(path)}`
}
