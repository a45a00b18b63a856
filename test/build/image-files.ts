import { createReadStream } from 'node:fs'
import type { ExportedImage } from '../../src/build/export.ts'
import { fromByteString, toByteString } from '../../src/layer/entry.ts'
import { layeredView } from '../../src/rootfs/view.ts'
import type { LayerRecord, Store } from '../../src/store/types.ts'
import { readTar } from '../../src/tar/read.ts'

/** The files of an image as its own layers (uncompressed blobs) and tables of contents have them. */
export interface ImageFiles {
  /** Content of a regular file, links to it followed by name only; undefined when it is not there or no file. */
  text(path: string): Promise<string | undefined>
  /** `file 0644 0:0`, `directory 0755 1:2`, `symlink target`; undefined when it is not there. */
  describe(path: string): string | undefined
  /** Names in a directory, sorted. */
  list(path: string): readonly string[]
  /** Every path below the directory that is no directory, relative to it, sorted. */
  tree(path: string): readonly string[]
  readonly layers: readonly LayerRecord[]
  readonly contentIds: readonly string[]
}

export async function imageFiles(store: Store, image: ExportedImage): Promise<ImageFiles> {
  const layers = image.config.rootfs.diff_ids.map(diffId => {
    const record = store.layers.byDiffId(diffId)
    if (record === undefined) throw new Error(`layer ${diffId} is not in the store`)
    return record
  })
  const view = layeredView(await Promise.all(layers.map(record => store.layers.toc(record))))
  const inner = (path: string) => toByteString(path.replace(/^\//, ''))
  const tree = (path: string, below = ''): string[] =>
    view.children(inner(path)).flatMap(name => {
      const child = `${path.replace(/\/$/, '')}/${fromByteString(name)}`
      const relative = below === '' ? fromByteString(name) : `${below}/${fromByteString(name)}`
      return view.lookup(inner(child))?.kind === 'directory' ? tree(child, relative) : [relative]
    })
  return {
    text: async path => {
      const located = view.locate(inner(path))
      if (located === undefined) return undefined
      const { entry } = located
      const name = entry.kind === 'hardlink' ? entry.target : entry.path
      const kind = entry.kind
      if (kind !== 'file' && kind !== 'hardlink') return undefined
      return memberText(store, image, located.layer, name)
    },
    describe: path => {
      const entry = view.lookup(inner(path))
      if (entry === undefined) return undefined
      if (entry.kind === 'symlink') return `symlink ${fromByteString(entry.target)}`
      return `${entry.kind} ${entry.mode.toString(8).padStart(4, '0')} ${entry.uid}:${entry.gid}`
    },
    list: path => view.children(inner(path)).map(fromByteString),
    tree: path => tree(path),
    layers,
    contentIds: layers.map(({ contentId }) => contentId),
  }
}

async function memberText(
  store: Store,
  image: ExportedImage,
  layer: number,
  name: string,
): Promise<string | undefined> {
  const digest = image.manifest.layers[layer]?.digest
  if (digest === undefined) return undefined
  for await (const { header, whole, content } of readTar(createReadStream(store.blobs.path(digest)))) {
    if (header.path.replace(/^\.?\//, '') !== name) continue
    if (whole !== undefined) return Buffer.from(whole).toString()
    const chunks: Uint8Array[] = []
    for await (const chunk of content) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
  return undefined
}
