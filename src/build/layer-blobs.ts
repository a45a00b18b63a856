import { closeSync, fdatasync, openSync, write } from 'node:fs'
import { promisify } from 'node:util'
import { ShaleError, writing } from '../error.ts'
import type { OpenContent } from '../layer/content.ts'
import { type Entry, toByteString } from '../layer/entry.ts'
import { DEFAULT_LEVEL } from '../layer/frame-codec.ts'
import { type FrameCrew, isWorthThreads, threadCrew } from '../layer/frame-crew.ts'
import type { EarlierBlob } from '../layer/frame-reuse.ts'
import { contentSize, FRAMES_ANNOTATION, type PackedLayer, packerName, packLayer } from '../layer/pack.ts'
import type { Toc } from '../layer/toc.ts'
import type { Digest } from '../oci/digest.ts'
import { type Compression, ociLayerType } from '../oci/media-types.ts'
import { contentOf } from '../sandbox/ops/sources.ts'
import type { BlobWriter, LayerBlob, LayerRecord, Lease, Store } from '../store/types.ts'
import { type LayerWork, missingLayer } from './layer-work.ts'
import type { ChainLayer } from './stage-state.ts'
import type { ContentSource, TreeWorker } from './tree-worker.ts'

const RECEIVED = ' (received)'

/** The name of a packer for what it made elsewhere: the same bytes as from here, but their annotations are not verified. */
export function receivedPacker(packer: string): string {
  return `${packer}${RECEIVED}`
}

/** The packer's own name. */
export function madeByPacker(packer: string): string {
  return packer.endsWith(RECEIVED) ? packer.slice(0, -RECEIVED.length) : packer
}

/** How a build packs its layers. */
export interface BlobOptions {
  readonly compression: Compression
  readonly level?: number | undefined
  /** SOURCE_DATE_EPOCH: seconds since 1970. */
  readonly epoch?: number | undefined
}

/** A layer that is packed: what the store knows of it, and its blob. */
export interface LayerWithBlob {
  readonly record: LayerRecord
  readonly blob: LayerBlob
}

interface PackInto {
  readonly earlier?: EarlierBlob | undefined
  /** A path where nothing is. */
  readonly out: string
  /** The build's if absent. */
  readonly options?: Pick<BlobOptions, 'compression' | 'level'> | undefined
}

/** A blob that was packed before it was known which layer it is of. */
export interface PackedAhead {
  /** With every file's digest. */
  readonly toc: Toc
  /** Makes it the layer's, unless that has one. */
  keep(record: LayerRecord): Promise<LayerRecord>
  abort(): Promise<void>
}

/** What packing works with. */
export interface Packing {
  readonly store: Store
  readonly lease: Lease
  readonly layers: LayerWork
  readonly worker: () => Promise<TreeWorker>
}

/** Packs the layers of an image, each once. */
export class LayerBlobs {
  readonly #store: Store
  readonly #lease: Lease
  readonly #layers: LayerWork
  readonly #worker: () => Promise<TreeWorker>
  readonly #options: BlobOptions
  readonly #packer: string
  readonly #blobs = new Map<string, Promise<LayerWithBlob>>()
  readonly #earlier = new Map<number, LayerRecord>()
  #crew: FrameCrew | undefined

  constructor({ store, lease, layers, worker }: Packing, options: BlobOptions) {
    this.#store = store
    this.#lease = lease
    this.#layers = layers
    this.#worker = worker
    this.#options = options
    const { compression, level } = options
    this.#packer = packerName({ compression, ...(level !== undefined && { level }) })
  }

  /** Starts what packing a layer of so many bytes of files takes, while the layer is still being found out. */
  prepare(contentSize: number): void {
    if (isWorthThreads(contentSize)) this.#threads()
  }

  async close(): Promise<void> {
    await this.#crew?.close()
  }

  #threads(): FrameCrew {
    const { compression, level = DEFAULT_LEVEL[compression] } = this.#options
    this.#crew ??= threadCrew({ compression, level })
    return this.#crew
  }

  /** Notes the layer that a step made in the last build: what has not changed need not be compressed again. */
  setEarlier(record: LayerRecord, earlier: LayerRecord | undefined): void {
    if (earlier !== undefined) this.#earlier.set(record.id, earlier)
  }

  /** The blob that an image refers to for this layer. Imported layers keep the blob they came with. */
  of(layers: readonly ChainLayer[], index: number): Promise<LayerWithBlob> {
    const layer = layers[index] as ChainLayer
    const key = `${layer.record.id} ${layer.times}`
    const pending = this.#blobs.get(key)
    if (pending !== undefined) return pending
    const made = layer.imported ? this.#imported(layer.record) : this.#packed(layers, index)
    this.#blobs.set(key, made)
    return made
  }

  async #imported(record: LayerRecord): Promise<LayerWithBlob> {
    const blob = this.#layers.storedBlob(record)
    if (blob === undefined) throw missingLayer(record)
    return { record, blob }
  }

  async #packed(layers: readonly ChainLayer[], index: number): Promise<LayerWithBlob> {
    const { record: original, times } = layers[index] as ChainLayer
    const { epoch } = this.#options
    const record = epoch === undefined || times === 'keep' ? original : await this.#retimed(original, times, epoch)
    const found = this.stored(record)
    if (found !== undefined) return { record, blob: found }
    const toc = await this.#store.layers.toc(record)
    const sources = await this.#layers.sources(layers, index)
    const layer = { record, toc, sources }
    const earlier = await this.#blobOf(this.#earlier.get(original.id))
    try {
      return await this.#packInto(layer, earlier)
    } catch (error) {
      if (!(error instanceof ShaleError && error.code === 'FRAME_LOST')) throw error
      return this.#packInto(layer, undefined)
    }
  }

  async #packInto(
    {
      record,
      toc,
      sources,
    }: { readonly record: LayerRecord; readonly toc: Toc; readonly sources: readonly ContentSource[] },
    earlier: EarlierBlob | undefined,
  ): Promise<LayerWithBlob> {
    const writer = this.#store.blobs.writer(this.#lease)
    try {
      const packed = await this.#pack({ toc, tocDigest: record.tocDigest }, sources, { earlier, out: writer.path })
      return await this.#adopt(record, packed, writer)
    } catch (error) {
      await writer.abort()
      throw error
    }
  }

  /** Packs a table whose digests are not all known, from files that this process can read. */
  async packAhead(toc: Toc, open: OpenContent, signal: AbortSignal): Promise<PackedAhead> {
    const writer = this.#store.blobs.writer(this.#lease)
    const abort = () => writer.abort()
    try {
      const packed = await this.#packHere(toc, open, { out: writer.path, signal })
      const keep = async (record: LayerRecord) => {
        if (this.stored(record) === undefined) return (await this.#adopt(record, packed, writer)).record
        await abort()
        return record
      }
      return { toc: packed.toc, keep, abort }
    } catch (error) {
      await abort()
      throw error
    }
  }

  /** Writes a layer as a plain tar to `out`, which must not exist; the store keeps nothing of it. */
  async writePlain(record: LayerRecord, sources: readonly ContentSource[], out: string): Promise<void> {
    const toc = await this.#store.layers.toc(record)
    const layer = { toc, tocDigest: record.tocDigest }
    await this.#pack(layer, sources, { earlier: undefined, out, options: { compression: 'none' } })
  }

  /** The layer's blob as this build would pack it, when the store has it. */
  stored(record: LayerRecord): LayerBlob | undefined {
    return record.blobs.find(
      blob => madeByPacker(blob.packer) === this.#packer && this.#store.blobs.size(blob.digest) === blob.size,
    )
  }

  /** Only what the same packer made here can be taken over: the seek table of what came from elsewhere may lie. */
  async #blobOf(earlier: LayerRecord | undefined): Promise<EarlierBlob | undefined> {
    const blob = earlier && this.stored(earlier)
    if (earlier === undefined || blob?.packer !== this.#packer) return undefined
    const toc = await this.#store.layers.toc(earlier)
    return { path: this.#store.blobs.path(blob.digest), toc, seekTable: blob.annotations?.[FRAMES_ANNOTATION] }
  }

  async #adopt(record: LayerRecord, packed: Omit<PackedLayer, 'toc'>, writer: BlobWriter): Promise<LayerWithBlob> {
    const { digest, size, annotations, compression, packer, diffId } = packed
    await this.#store.blobs.adopt(this.#lease, writer.path, { digest, size })
    const blob: LayerBlob = { digest, size, compression, mediaType: ociLayerType(compression), packer, annotations }
    return { record: this.#store.layers.setPacked(this.#lease, record.id, diffId, blob), blob }
  }

  /** The same files with the times that SOURCE_DATE_EPOCH gives them. */
  async #retimed(record: LayerRecord, times: 'set' | 'clamp', epoch: number): Promise<LayerRecord> {
    const toc = await this.#store.layers.toc(record)
    const late = (entry: Entry) => times === 'set' || entry.mtime >= epoch
    const entries = toc.entries.map(entry => (late(entry) ? { ...entry, mtime: epoch, mtimeNs: 0 } : entry))
    return this.#store.layers.add(this.#lease, { toc: { entries } })
  }

  async #pack(
    { toc, tocDigest }: { readonly toc: Toc; readonly tocDigest: Digest },
    sources: readonly ContentSource[],
    { earlier, out, options = this.#options }: PackInto,
  ): Promise<Omit<PackedLayer, 'toc'>> {
    const { compression, level } = options
    // Files of mapped users are readable in the helper only; everything else is packed here, without starting it.
    if (process.getuid?.() !== 0 && sources.some(source => this.#isTree(source))) {
      const worker = await this.#worker()
      return worker.pack({ toc: this.#store.blobs.path(tocDigest), sources, compression, level, out })
    }
    return this.#packHere(toc, contentOf(sources), { earlier, out, options })
  }

  async #packHere(
    toc: Toc,
    open: OpenContent,
    { out, options: how = this.#options, ...more }: PackInto & { readonly signal?: AbortSignal },
  ): Promise<PackedLayer> {
    const { compression, level } = how
    const file = new WritingBehind(out)
    try {
      const sink = (chunk: Uint8Array) => file.write(chunk)
      const crew = how === this.#options && isWorthThreads(contentSize(toc)) ? this.#threads() : undefined
      const options = { compression, sink, crew, ...(level !== undefined && { level }), ...more }
      const packed = await packLayer(toc, open, options)
      await file.sync()
      return packed
    } finally {
      await file.close()
    }
  }

  #isTree(source: ContentSource): boolean {
    return 'path' in source && source.path.startsWith(toByteString(`${this.#store.root}/`))
  }
}

/** A new file that is written while the next bytes are made ready. */
class WritingBehind {
  readonly #path: string
  readonly #fd: number
  #last: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
    this.#fd = openSync(path, 'wx', 0o600)
  }

  /** Waits for the write before this one, and throws what that one met. */
  async write(chunk: Uint8Array): Promise<void> {
    await this.#last
    this.#last = this.#append(chunk)
    // Thrown where it is waited for; until then it must not count as unhandled.
    this.#last.catch(() => {})
  }

  async sync(): Promise<void> {
    await this.#last
    await writing(this.#path, () => datasync(this.#fd))
  }

  async close(): Promise<void> {
    await this.#last.catch(() => {})
    closeSync(this.#fd)
  }

  async #append(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      at += (await writing(this.#path, () => append(this.#fd, chunk, at))).bytesWritten
    }
  }
}

const append = promisify(write)
const datasync = promisify(fdatasync)
