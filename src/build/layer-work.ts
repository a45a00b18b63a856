import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile as readHostFile } from 'node:fs/promises'
import { ShaleError } from '../error.ts'
import { type ByteString, type FileEntry, fromByteString, parentPath, toByteString } from '../layer/entry.ts'
import { findEntry, type Toc } from '../layer/toc.ts'
import { resolvePath } from '../rootfs/resolve.ts'
import { type LayeredView, layeredView } from '../rootfs/view.ts'
import type { LayerBlob, LayerRecord, Lease, Store } from '../store/types.ts'
import type { PlannedEntry } from './copy/plan.ts'
import type { Origin } from './copy/source.ts'
import type { ChainLayer } from './stage-state.ts'
import type { ContentSource, TreeWorker } from './tree-worker.ts'

/**
 * Where the files of layers are, and unpacked trees of layers for processes. A tree is made once, from whatever is
 * there: a blob, or the files that a COPY reads. `LayerBlobs` packs.
 */
export class LayerWork {
  readonly #store: Store
  readonly #lease: Lease
  readonly #worker: () => Promise<TreeWorker>
  readonly #materials = new Map<number, readonly PlannedEntry[]>()
  readonly #trees = new Map<string, Promise<string>>()

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
      record.unpackedSize === 0 ||
      this.#materials.has(record.id) ||
      this.#store.trees.find(record.tocDigest) !== undefined ||
      this.storedBlob(record) !== undefined
    )
  }

  async view(layers: readonly ChainLayer[]): Promise<LayeredView> {
    return layeredView(await Promise.all(layers.map(({ record }) => this.#store.layers.toc(record))))
  }

  /**
   * Absolute paths of the unpacked layers, lowest first. A layer that a chain has twice is there once, where it is
   * topmost: what it holds and hides there covers the lower one, and an overlay refuses the same folder twice (ELOOP).
   */
  async trees(layers: readonly ChainLayer[]): Promise<readonly string[]> {
    const paths: string[] = []
    for (let index = 0; index < layers.length; index++) paths.push(await this.tree(layers, index))
    return paths.filter((path, index) => paths.lastIndexOf(path) === index)
  }

  /** The unpacked form of one layer of a chain. */
  async tree(layers: readonly ChainLayer[], index: number): Promise<string> {
    const { record } = layers[index] as ChainLayer
    const toc = await this.#store.layers.toc(record)
    const below = layers.slice(0, index)
    const implied = await this.#impliedDirectories(below, toc)
    if (implied.length === 0) return this.#tree(record.tocDigest, record, toc, [])
    return this.#tree(`${record.tocDigest}:${implied}`, record, toc, this.tocPaths(below))
  }

  /** Where the encoded tables of contents are, lowest first. */
  tocPaths(layers: readonly ChainLayer[]): readonly string[] {
    return layers.map(({ record }) => this.#store.blobs.path(record.tocDigest))
  }

  #tree(key: string, record: LayerRecord, toc: Toc, below: readonly string[]): Promise<string> {
    const pending = this.#trees.get(key)
    if (pending !== undefined) return pending
    const found = this.#store.trees.find(key)
    const made = found === undefined ? this.#makeTree(key, record, toc, below) : Promise.resolve(found)
    this.#trees.set(key, made)
    return made
  }

  async #makeTree(key: string, record: LayerRecord, toc: Toc, below: readonly string[]): Promise<string> {
    const blob = this.storedBlob(record)
    const planned = this.#materials.get(record.id)
    const worker = await this.#worker()
    const writer = this.#store.trees.begin(this.#lease, key)
    const folder = writer.path
    try {
      if (planned !== undefined || record.unpackedSize === 0) {
        const sources = planned === undefined ? NO_CONTENT : await this.sourcesOf(toc, planned)
        await worker.writeTree({ toc: this.#store.blobs.path(record.tocDigest), sources, folder })
      } else if (blob !== undefined) {
        const { compression, digest } = blob
        const { diffId } = record
        await worker.applyBlob({ blob: this.#store.blobs.path(digest), compression, diffId, folder, below })
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
    const known = located.entry.kind === 'file' ? readTreeFile(tree, located.entry) : undefined
    return known ?? Buffer.from(await (await this.#worker()).readFile(tree, located.entry.path))
  }

  /** Where the content of a layer's files is; makes its tree when that is the only place. */
  async sources(layers: readonly ChainLayer[], index: number): Promise<readonly ContentSource[]> {
    const { record } = layers[index] as ChainLayer
    const planned = this.#materials.get(record.id)
    if (planned !== undefined) return this.sourcesOf(await this.#store.layers.toc(record), planned)
    if (record.unpackedSize === 0) return NO_CONTENT
    return [{ prefix: '', path: toByteString(await this.tree(layers, index)) }]
  }

  /** Where the files of a table are that a COPY has planned. */
  async sourcesOf(toc: Toc, planned: readonly PlannedEntry[]): Promise<readonly ContentSource[]> {
    const sources: ContentSource[] = []
    let next = 0
    for (const { path, kind } of toc.entries) {
      if (kind !== 'file') continue
      // Both are in order of paths.
      while ((planned[next]?.entry.path ?? path) < path) next++
      const origin = this.#settled(planned[next]?.entry.path === path ? planned[next]?.origin : undefined)
      if (origin === undefined) throw new Error(`no origin for ${fromByteString(path)}`)
      if (origin.kind === 'inline') sources.push({ prefix: path, bytes: origin.data })
      else if (origin.kind === 'host') sources.push({ prefix: path, path: hostBytes(origin.path) })
      else sources.push({ prefix: path, path: `${toByteString(await this.#ownTree(origin.record))}/${origin.path}` })
    }
    return sources
  }

  /** A file of a layer that a COPY has planned is read where that reads it: then nobody needs the layer's tree. */
  #settled(origin: Origin | undefined): Origin | undefined {
    if (origin?.kind !== 'layer') return origin
    const { record, path } = origin
    if (this.#store.trees.find(record.tocDigest) !== undefined) return origin
    const planned = this.#materials.get(record.id)
    const found = planned === undefined ? undefined : plannedAt(planned, path)?.origin
    return found === undefined ? origin : this.#settled(found)
  }

  /** A layer's tree when only its files matter, not the attributes of implied directories. */
  async #ownTree(record: LayerRecord): Promise<string> {
    return this.#tree(record.tocDigest, record, await this.#store.layers.toc(record), [])
  }

  /** The record's first blob that the store has. */
  storedBlob(record: LayerRecord): LayerBlob | undefined {
    return record.blobs.find(blob => this.#store.blobs.size(blob.digest) === blob.size)
  }

  /** Names the attributes of directories that only lower layers describe; empty when there are none. */
  async #impliedDirectories(below: readonly ChainLayer[], toc: Toc): Promise<string> {
    const lacking = new Set<ByteString>()
    for (const { path } of toc.entries) {
      for (let above = parentPath(path); above !== '' && !lacking.has(above); above = parentPath(above)) {
        if (findEntry(toc, above) !== undefined) break
        lacking.add(above)
      }
    }
    if (lacking.size === 0) return ''
    const view = await this.view(below)
    return [...lacking]
      .sort()
      .map(path => view.lookup(path))
      .filter(entry => entry?.kind === 'directory')
      .map(entry => `${entry?.path},${entry?.mode},${entry?.uid},${entry?.gid}`)
      .join(';')
  }
}

/** More than any table of users; larger ones go through the helper, which has a limit of its own. */
const SMALL_FILE = 1024 * 1024

/**
 * A tree's file, read without the helper, whose start takes longer than a build in which nothing changed: undefined when
 * it is not for this user to read, or is not what the table of contents says.
 */
function readTreeFile(tree: string, { path, size, digest }: FileEntry): Buffer | undefined {
  if (size > SMALL_FILE) return undefined
  try {
    const content = readFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(path, 'latin1')]))
    return hash('sha256', content, 'hex') === digest ? content : undefined
  } catch {
    return undefined
  }
}

/** `planned` is in order of paths. */
function plannedAt(planned: readonly PlannedEntry[], path: ByteString): PlannedEntry | undefined {
  let low = 0
  let high = planned.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((planned[middle] as PlannedEntry).entry.path < path) low = middle + 1
    else high = middle
  }
  return planned[low]?.entry.path === path ? planned[low] : undefined
}

/** For layers that hold nothing but directories, links and empty files. */
const NO_CONTENT: readonly ContentSource[] = [{ prefix: '', bytes: new Uint8Array(0) }]

function hostBytes(path: string | Buffer): ByteString {
  return typeof path === 'string' ? toByteString(path) : path.toString('latin1')
}

export function missingLayer(record: LayerRecord): ShaleError {
  return new ShaleError(
    'LAYER_MISSING',
    `the files of layer ${record.diffId ?? record.contentId} are not in the store any more`,
    {
      hint: 'pull the image again, or build with --no-cache',
    },
  )
}
