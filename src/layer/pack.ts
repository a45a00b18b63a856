import { zstdCompressSync } from 'node:zlib'
import { ShaleError } from '../error.ts'
import { type Digest, sha256 } from '../oci/digest.ts'
import { type Compression, ociLayerType } from '../oci/media-types.ts'
import { END_OF_ARCHIVE } from '../tar/write.ts'
import type { Content, OpenContent } from './content.ts'
import { baseName, type Entry, type FileEntry, fromByteString, type HardlinkEntry, parentPath } from './entry.ts'
import { FrameBuilder } from './frame-builder.ts'
import { DEFAULT_LEVEL, type FrameCodec, frameCodec } from './frame-codec.ts'
import { type FrameCrew, frameCrew } from './frame-crew.ts'
import { FramePipe, type Sink } from './frame-pipe.ts'
import { type EarlierBlob, FrameReuse } from './frame-reuse.ts'
import { FRAME, type FrameGroup, frameGroups, isLarge } from './frames.ts'
import { PackedFiles } from './packed-files.ts'
import { encodeSeekTable, skippableFrame } from './seek-table.ts'
import { findEntry, type Toc } from './toc.ts'
import { encodeToc, linkError } from './toc-codec.ts'
import { hardlinkTo } from './toc-decode.ts'
import { WHITEOUT_OPAQUE, WHITEOUT_PREFIX } from './whiteout.ts'

export interface PackOptions {
  readonly compression: Compression
  /** zstd 1 to 19 (default 1), gzip 1 to 9 (default 6). */
  readonly level?: number
  /** Gets the blob's bytes in order; a chunk is the sink's to keep. Its promise is waited for. */
  readonly sink: Sink
  /** Seconds since 1970: later modification times are set to it, as `SOURCE_DATE_EPOCH` wants. */
  readonly epoch?: number
  readonly signal?: AbortSignal
  /** Works for this layer too, and is the caller's to close; it has the same compression and level. */
  readonly crew?: FrameCrew | undefined
  /** A blob of the same packer: frames of what is the same are taken out of it, and no file of theirs is read. zstd only. */
  readonly earlier?: EarlierBlob | undefined
}

export interface PackedLayer {
  /** As packed: with every file's digest, and times clamped to the epoch. */
  readonly toc: Toc
  /** Digest of the plain tar. */
  readonly diffId: Digest
  /** Digest and size of the blob. */
  readonly digest: Digest
  readonly size: number
  readonly compression: Compression
  readonly mediaType: string
  /** For the descriptor: where the blob's table of contents and seek table are. Empty unless zstd. */
  readonly annotations: Readonly<Record<string, string>>
  /** What besides the table decides the blob's bytes: packer version, compression, level, epoch. */
  readonly packer: string
}

/** Value of both: `offset:size:digest` of a skippable frame in the blob, its 8-byte header included. */
export const TOC_ANNOTATION = 'dev.shale.toc'
export const FRAMES_ANNOTATION = 'dev.shale.frames'

/** Changes with anything that changes a blob's bytes. */
const PACKER_VERSION = 4

/** Names what decides a blob's bytes besides its table of contents. */
export function packerName(options: Pick<PackOptions, 'compression' | 'level' | 'epoch'>): string {
  const { compression, level = DEFAULT_LEVEL[compression], epoch } = options
  return `shale/${PACKER_VERSION} ${compression}/${level}${epoch === undefined ? '' : ` epoch/${epoch}`}`
}

/**
 * Writes a layer's blob from its table of contents, in the table's order. Each file is read once and verified against
 * its digest; an empty digest is filled in. Equal tables, contents and options give equal bytes. Throws `FILE_CHANGED`,
 * `FILE_UNREADABLE`, `LAYER_NAME_RESERVED` for names that begin with `.wh.`, `FRAME_LOST` when the earlier blob turns out
 * to be damaged, and what the sink throws.
 */
export async function packLayer(toc: Toc, open: OpenContent, options: PackOptions): Promise<PackedLayer> {
  const { compression, level = DEFAULT_LEVEL[compression], earlier, epoch } = options
  const codec = frameCodec(compression, level)
  const listed = packedForm(toc, epoch)
  const reuse = earlier === undefined || compression !== 'zstd' ? undefined : FrameReuse.of(earlier)
  const crew = options.crew ?? frameCrew({ compression, level }, contentSize(toc))
  try {
    return await new Packing(listed, open, { ...options, codec, crew, reuse }).run()
  } finally {
    if (crew !== options.crew) await crew.close()
  }
}

/** Bytes of all files. */
export function contentSize({ entries }: Toc): number {
  return entries.reduce((sum, entry) => (entry.kind === 'file' ? sum + entry.size : sum), 0)
}

/** One run of `packLayer`. */
class Packing {
  readonly #toc: Toc
  readonly #open: OpenContent
  readonly #options: PackOptions & { readonly reuse: FrameReuse | undefined }
  readonly #pipe: FramePipe
  readonly #builder: FrameBuilder
  readonly #files: PackedFiles

  constructor(
    toc: Toc,
    open: OpenContent,
    options: PackOptions & {
      readonly codec: FrameCodec
      readonly crew: FrameCrew
      readonly reuse: FrameReuse | undefined
    },
  ) {
    this.#toc = toc
    this.#open = open
    this.#options = options
    this.#pipe = new FramePipe(options.codec, options.crew, options.sink)
    this.#builder = new FrameBuilder(() => this.#pipe.memory())
    this.#files = new PackedFiles(toc)
  }

  async run(): Promise<PackedLayer> {
    await this.#pipe.start()
    for (const group of frameGroups(this.#toc.entries)) await this.#add(group)
    this.#builder.append(END_OF_ARCHIVE)
    await this.#cut()
    const diffId: Digest = `sha256:${await this.#pipe.drain()}`
    const toc = this.#files.toc()
    const { compression } = this.#options
    const annotations = compression === 'zstd' ? await appendTables(toc, this.#pipe) : {}
    const digest: Digest = `sha256:${this.#pipe.blobDigest()}`
    const { size } = this.#pipe
    const packer = packerName(this.#options)
    return { toc, diffId, digest, size, compression, mediaType: ociLayerType(compression), annotations, packer }
  }

  async #add(group: FrameGroup): Promise<void> {
    const { signal, reuse } = this.#options
    signal?.throwIfAborted()
    const places = reuse?.find(this.#toc.entries, group)
    if (places === undefined) return this.#layOut(group)
    const blob = reuse?.path ?? ''
    for (const place of places) {
      await this.#pipe.push({ kind: 'copy', plain: this.#pipe.memory(), blob, ...place }, this.#files.owner([]))
    }
  }

  async #layOut({ from, to }: FrameGroup): Promise<void> {
    for (let index = from; index < to; index++) {
      const entry = this.#toc.entries[index] as Entry
      if (entry.kind !== 'file') packPlain(entry, this.#builder)
      else if (isLarge(entry)) await this.#addLargeFile(entry, index)
      else this.#addFile(entry, index)
    }
    await this.#cut()
  }

  #addFile(entry: FileEntry, index: number): void {
    this.#builder.header(entry)
    if (entry.size > 0)
      this.#addPart(entry, { index, content: this.#contentOf(entry, index), from: 0, length: entry.size })
    else this.#files.verify(index, EMPTY)
    this.#builder.pad(entry.size)
  }

  /** Has frames of its own, all but the last of the largest size. */
  async #addLargeFile(entry: FileEntry, index: number): Promise<void> {
    this.#builder.header(entry)
    const content = this.#contentOf(entry, index)
    for (let from = 0; from < entry.size; ) {
      const length = Math.min(entry.size - from, FRAME.max - this.#builder.used)
      this.#addPart(entry, { index, content, from, length })
      from += length
      if (this.#builder.used === FRAME.max) await this.#cut()
    }
    this.#builder.pad(entry.size)
  }

  #contentOf(entry: FileEntry, index: number): Content {
    const content = this.#open(entry)
    if (content instanceof Uint8Array) this.#files.verify(index, content)
    return content
  }

  #addPart(
    { size, digest }: FileEntry,
    { index, content, from, length }: { index: number; content: Content; from: number; length: number },
  ): void {
    if (content instanceof Uint8Array) this.#builder.append(content.subarray(from, from + length))
    else this.#builder.file(content, { entry: index, length, from, size, digest })
  }

  async #cut(): Promise<void> {
    const frame = this.#builder.take()
    if (frame !== undefined) await this.#pipe.push(frame.task, this.#files.owner(frame.files))
  }
}

const EMPTY = new Uint8Array(0)

/** The very table where it is as packed already. */
function packedForm(toc: Toc, epoch: number | undefined): Toc {
  const entries = toc.entries.map(entry => asPacked(entry, toc, epoch))
  return entries.every((entry, i) => entry === toc.entries[i]) ? toc : { entries }
}

function asPacked(listed: Entry, toc: Toc, epoch: number | undefined): Entry {
  const entry = listed.kind === 'hardlink' ? canonicalLink(listed, toc) : listed
  checkName(entry)
  return epoch === undefined || entry.mtime < epoch ? entry : { ...entry, mtime: epoch, mtimeNs: 0 }
}

/** Encoded tables keep no metadata of links, so the tar must not depend on it either. */
function canonicalLink({ path, target }: HardlinkEntry, toc: Toc): Entry {
  const file = findEntry(toc, target)
  if (file?.kind === 'file' && file.path < path) return hardlinkTo(file, path)
  throw linkError(path, target)
}

function checkName(entry: Entry): void {
  if (entry.kind !== 'whiteout' && baseName(entry.path).startsWith(WHITEOUT_PREFIX)) {
    throw new ShaleError('LAYER_NAME_RESERVED', `a layer cannot hold ${JSON.stringify(fromByteString(entry.path))}`, {
      hint: 'names that begin with .wh. mark deleted files in layers; rename or exclude the file',
    })
  }
}

function packPlain(entry: Exclude<Entry, FileEntry>, builder: FrameBuilder): void {
  if (entry.kind === 'whiteout') {
    const parent = parentPath(entry.path)
    const name = WHITEOUT_PREFIX + baseName(entry.path)
    builder.header({ ...entry, kind: 'file', path: parent === '' ? name : `${parent}/${name}`, size: 0 })
    return
  }
  builder.header(entry)
  if (entry.kind === 'directory' && entry.opaque === true) {
    const path = entry.path === '' ? WHITEOUT_OPAQUE : `${entry.path}/${WHITEOUT_OPAQUE}`
    builder.header({ kind: 'file', path, mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNs: 0, size: 0 })
  }
}

/** What follows the frames, in frames that decoders pass over; the seek table, which lists these too, is last. */
async function appendTables(toc: Toc, pipe: FramePipe): Promise<Record<string, string>> {
  const table = skippableFrame(zstdCompressSync(encodeToc(toc)))
  const seekTable = encodeSeekTable([...pipe.frames, { content: 0, compressed: table.length }])
  const annotations: Record<string, string> = {}
  for (const [name, bytes] of [
    [TOC_ANNOTATION, table],
    [FRAMES_ANNOTATION, seekTable],
  ] as const) {
    annotations[name] = `${pipe.size}:${bytes.length}:${sha256(bytes)}`
    await pipe.write(bytes)
  }
  return annotations
}
