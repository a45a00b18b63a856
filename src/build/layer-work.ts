import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { readFile as readHostFile } from 'node:fs/promises'
import { ShaleError } from '../error.ts'
import type { Content } from '../layer/content.ts'
import {
  type ByteString,
  type DirectoryEntry,
  type Entry,
  fromByteString,
  parentPath,
  toByteString,
  toFsPath,
} from '../layer/entry.ts'
import { type PackedLayer, packerName, packLayer } from '../layer/pack.ts'
import { findEntry, type Toc } from '../layer/toc.ts'
import { type Compression, ociLayerType } from '../oci/media-types.ts'
import { resolvePath } from '../rootfs/resolve.ts'
import { type LayeredView, layeredView } from '../rootfs/view.ts'
import type { LayerBlob, LayerRecord, Lease, Store } from '../store/types.ts'
import type { PlannedEntry } from './copy/plan.ts'
import type { ChainLayer } from './stage-state.ts'
import type { FileContents, TreeWorker } from './tree-worker.ts'

export interface BlobOptions {
  readonly compression: Compression
  readonly level?: number | undefined
  readonly epoch?: number | undefined
}

/**
 * Gives layers the forms that are asked for: the table of contents, an unpacked tree for a process, a blob for an
 * image. Each is made once, from whatever is there: another form, or the files that a COPY reads.
 */
export class LayerWork {
  readonly #store: Store
  readonly #lease: Lease
  readonly #worker: () => Promise<TreeWorker>
  readonly #materials = new Map<number, readonly PlannedEntry[]>()
  readonly #trees = new Map<string, Promise<string>>()
  readonly #blobs = new Map<string, Promise<{ record: LayerRecord; blob: LayerBlob }>>()

  constructor(store: Store, lease: Lease, worker: () => Promise<TreeWorker>) {
    this.#store = store
    this.#lease = lease
    this.#worker = worker
  }

  /** Notes where the files of a COPY's layer are, so that it can be written when somebody needs it. */
  setMaterials(record: LayerRecord, planned: readonly PlannedEntry[]): void {
    if (!this.#materials.has(record.id)) this.#materials.set(record.id, planned)
  }

  /** True when the layer's files can be had: as tree, as blob, or from what a COPY reads. */
  isAvailable(record: LayerRecord): boolean {
    return (
      record.entries === 0 ||
      this.#materials.has(record.id) ||
      this.#store.trees.find(record.tocDigest) !== undefined ||
      this.#storedBlob(record) !== undefined
    )
  }

  async view(layers: readonly ChainLayer[]): Promise<LayeredView> {
    return layeredView(await Promise.all(layers.map(({ record }) => this.#store.layers.toc(record))))
  }

  /** Absolute paths of the unpacked layers, lowest first. */
  async trees(layers: readonly ChainLayer[]): Promise<readonly string[]> {
    const paths: string[] = []
    for (let index = 0; index < layers.length; index++) paths.push(await this.tree(layers, index))
    return paths
  }

  /** The unpacked form of one layer of a chain. */
  async tree(layers: readonly ChainLayer[], index: number): Promise<string> {
    const { record } = layers[index] as ChainLayer
    const toc = await this.#store.layers.toc(record)
    const implied = await this.#impliedDirectories(layers.slice(0, index), toc)
    return this.#tree(record, toc, implied)
  }

  #tree(record: LayerRecord, toc: Toc, implied: readonly DirectoryEntry[]): Promise<string> {
    const key = implied.length === 0 ? record.tocDigest : `${record.tocDigest}:${impliedKey(implied)}`
    const pending = this.#trees.get(key)
    if (pending !== undefined) return pending
    const found = this.#store.trees.find(key)
    const made = found === undefined ? this.#makeTree(key, record, toc, implied) : Promise.resolve(found)
    this.#trees.set(key, made)
    return made
  }

  async #makeTree(key: string, record: LayerRecord, toc: Toc, implied: readonly DirectoryEntry[]): Promise<string> {
    const blob = this.#storedBlob(record)
    const planned = this.#materials.get(record.id)
    const worker = await this.#worker()
    const writer = this.#store.trees.begin(this.#lease, key)
    try {
      if (planned !== undefined || record.entries === 0) {
        await worker.writeTree({ toc, contents: await this.#contentsOf(toc, planned ?? []), directory: writer.path })
      } else if (blob !== undefined) {
        const { compression } = blob
        const source = { blob: this.#store.blobs.path(blob.digest), compression, diffId: record.diffId }
        await worker.applyBlob({ ...source, directory: writer.path, implied })
      } else throw missingLayer(record)
      return writer.commit()
    } catch (error) {
      await writer.abort()
      throw error
    }
  }

  /** A file of a chain, links followed; undefined when it is not there or no file. */
  async readFile(layers: readonly ChainLayer[], path: string): Promise<Buffer | undefined> {
    const view = await this.view(layers)
    const located = view.locate(resolvePath(view, toByteString(path)))
    if (located === undefined || (located.entry.kind !== 'file' && located.entry.kind !== 'hardlink')) return undefined
    const { record } = layers[located.layer] as ChainLayer
    const planned = this.#materials.get(record.id)?.find(({ entry }) => entry.path === located.entry.path)?.origin
    if (planned?.kind === 'inline') return planned.data
    if (planned?.kind === 'host') return readHostFile(planned.path)
    const tree = await this.tree(layers, located.layer)
    return (await this.#worker()).readFile(tree, located.entry.path)
  }

  /** The blob that an image refers to for this layer. Imported layers keep the blob they came with. */
  blob(
    layers: readonly ChainLayer[],
    index: number,
    options: BlobOptions,
  ): Promise<{ record: LayerRecord; blob: LayerBlob }> {
    const layer = layers[index] as ChainLayer
    const key = `${layer.record.id} ${layer.times}`
    const pending = this.#blobs.get(key)
    if (pending !== undefined) return pending
    const made = layer.imported ? this.#importedBlob(layer.record) : this.#packedBlob(layers, index, options)
    this.#blobs.set(key, made)
    return made
  }

  async #importedBlob(record: LayerRecord): Promise<{ record: LayerRecord; blob: LayerBlob }> {
    const blob = this.#storedBlob(record)
    if (blob === undefined) throw missingLayer(record)
    return { record, blob }
  }

  async #packedBlob(
    layers: readonly ChainLayer[],
    index: number,
    options: BlobOptions,
  ): Promise<{ record: LayerRecord; blob: LayerBlob }> {
    const { record: original, times } = layers[index] as ChainLayer
    const { epoch, compression, level } = options
    const record = epoch === undefined || times === 'keep' ? original : await this.#retimed(original, times, epoch)
    const packer = packerName({ compression, ...(level !== undefined && { level }) })
    const found = record.blobs.find(blob => blob.packer === packer && this.#store.blobs.size(blob.digest) === blob.size)
    if (found !== undefined) return { record, blob: found }
    const toc = await this.#store.layers.toc(record)
    const contents = await this.#packContents(layers, index, toc)
    const writer = this.#store.blobs.writer(this.#lease)
    try {
      const packed = await this.#pack(toc, contents, writer.path, options)
      await this.#store.blobs.adopt(this.#lease, writer.path, { digest: packed.digest, size: packed.size })
      const { digest, size, annotations } = packed
      const blob: LayerBlob = { digest, size, compression, mediaType: ociLayerType(compression), packer, annotations }
      return { record: this.#store.layers.setPacked(this.#lease, record.id, packed.diffId, blob), blob }
    } catch (error) {
      await writer.abort()
      throw error
    }
  }

  /** The same files with the times that SOURCE_DATE_EPOCH gives them. */
  async #retimed(record: LayerRecord, times: 'set' | 'clamp', epoch: number): Promise<LayerRecord> {
    const toc = await this.#store.layers.toc(record)
    const late = (entry: Entry) => times === 'set' || entry.mtime >= epoch
    const entries = toc.entries.map(entry => (late(entry) ? { ...entry, mtime: epoch, mtimeNs: 0 } : entry))
    return this.#store.layers.add(this.#lease, { toc: { entries } })
  }

  async #packContents(layers: readonly ChainLayer[], index: number, toc: Toc): Promise<FileContents> {
    const planned = this.#materials.get((layers[index] as ChainLayer).record.id)
    if (planned !== undefined) return this.#contentsOf(toc, planned)
    if (toc.entries.every(({ kind }) => kind !== 'file')) return []
    const tree = await this.tree(layers, index)
    return filesOf(toc).map(({ path }) => hostPath(tree, path))
  }

  async #contentsOf(toc: Toc, planned: readonly PlannedEntry[]): Promise<FileContents> {
    const origins = new Map(planned.map(({ entry, origin }) => [entry.path, origin]))
    const contents: (string | Buffer | { readonly data: Uint8Array })[] = []
    for (const { path } of filesOf(toc)) {
      const origin = origins.get(path)
      if (origin === undefined) throw new Error(`no origin for ${fromByteString(path)}`)
      if (origin.kind === 'inline') contents.push({ data: origin.data })
      else if (origin.kind === 'host') contents.push(origin.path)
      else contents.push(hostPath(await this.#ownTree(origin.record), origin.path))
    }
    return contents
  }

  /** A layer's tree when only its files matter, not the attributes of implied directories. */
  async #ownTree(record: LayerRecord): Promise<string> {
    return this.#tree(record, await this.#store.layers.toc(record), [])
  }

  async #pack(toc: Toc, contents: FileContents, output: string, options: BlobOptions): Promise<PackedLayer> {
    const { compression, level } = options
    const fromHost = process.getuid?.() === 0 || this.#allFromHost(contents)
    if (!fromHost) return (await this.#worker()).pack({ toc, contents, compression, level, output })
    const byPath = new Map(filesOf(toc).map(({ path }, index) => [path, contents[index]]))
    const fd = openSync(output, 'wx', 0o600)
    try {
      const sink = (chunk: Uint8Array) => writeFully(fd, chunk)
      const open = ({ path }: Entry) => openContent(byPath.get(path))
      const packed = await packLayer(toc, open, { compression, sink, ...(level !== undefined && { level }) })
      fdatasyncSync(fd)
      return packed
    } finally {
      closeSync(fd)
    }
  }

  #allFromHost(contents: FileContents): boolean {
    const trees = `${this.#store.root}/`
    return contents.every(content => typeof content !== 'string' || !content.startsWith(trees))
  }

  #storedBlob(record: LayerRecord): LayerBlob | undefined {
    return record.blobs.find(blob => this.#store.blobs.size(blob.digest) === blob.size)
  }

  async #impliedDirectories(below: readonly ChainLayer[], toc: Toc): Promise<readonly DirectoryEntry[]> {
    const lacking = new Set<ByteString>()
    for (const { path } of toc.entries) {
      for (let above = parentPath(path); above !== '' && !lacking.has(above); above = parentPath(above)) {
        if (findEntry(toc, above) !== undefined) break
        lacking.add(above)
      }
    }
    if (lacking.size === 0) return []
    const view = await this.view(below)
    return [...lacking].sort().flatMap(path => {
      const entry = view.lookup(path)
      return entry?.kind === 'directory' ? [entry] : []
    })
  }
}

function filesOf(toc: Toc): readonly Entry[] {
  return toc.entries.filter(({ kind }) => kind === 'file')
}

function openContent(content: FileContents[number] | undefined): Content {
  if (content === undefined) throw new Error('a file of the layer has no content')
  if (typeof content === 'string' || Buffer.isBuffer(content)) return { path: content }
  return content.data
}

function writeFully(fd: number, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at)
}

function hostPath(tree: string, path: ByteString): string | Buffer {
  return toFsPath(`${toByteString(tree)}/${path}`)
}

function impliedKey(implied: readonly DirectoryEntry[]): string {
  return implied.map(({ path, mode, uid, gid }) => `${path},${mode},${uid},${gid}`).join(';')
}

function missingLayer(record: LayerRecord): ShaleError {
  return new ShaleError(
    'LAYER_MISSING',
    `the files of layer ${record.diffId ?? record.contentId} are not in the store any more`,
    {
      hint: 'pull the image again, or build with --no-cache',
    },
  )
}
