import { zstdCompressSync } from 'node:zlib'
import { ShaleError } from '../error.ts'
import { type Digest, sha256 } from '../oci/digest.ts'
import { type Compression, ociLayerType } from '../oci/media-types.ts'
import { padding } from '../tar/header.ts'
import { END_OF_ARCHIVE } from '../tar/write.ts'
import { type OpenContent, readPieces, readWhole } from './content.ts'
import { baseName, type Entry, type FileEntry, fromByteString, type HardlinkEntry, parentPath } from './entry.ts'
import { DEFAULT_LEVEL, frameCodec } from './frame-codec.ts'
import { FramePipe, type Sink } from './frame-pipe.ts'
import { cutsBefore, FRAME } from './frames.ts'
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
const PACKER_VERSION = 1

/** Names what decides a blob's bytes besides its table of contents. */
export function packerName(options: Pick<PackOptions, 'compression' | 'level' | 'epoch'>): string {
  const { compression, level = DEFAULT_LEVEL[compression], epoch } = options
  return `shale/${PACKER_VERSION} ${compression}/${level}${epoch === undefined ? '' : ` epoch/${epoch}`}`
}

/**
 * Writes a layer's blob from its table of contents, in the table's order. Each file is read once and verified against
 * its digest; an empty digest is filled in. Equal tables, contents and options give equal bytes. Throws `FILE_CHANGED`,
 * `FILE_UNREADABLE`, `LAYER_NAME_RESERVED` for names that begin with `.wh.`, and what the sink throws.
 */
export async function packLayer(toc: Toc, open: OpenContent, options: PackOptions): Promise<PackedLayer> {
  const { compression, epoch } = options
  const pipe = new FramePipe(frameCodec(compression, options.level ?? DEFAULT_LEVEL[compression]), options.sink)
  await pipe.start()
  const entries: Entry[] = []
  for (const listed of toc.entries) {
    const original = listed.kind === 'hardlink' ? canonicalLink(listed, toc) : listed
    const entry = epoch === undefined || original.mtime < epoch ? original : { ...original, mtime: epoch, mtimeNs: 0 }
    checkName(entry)
    const size = tarSize(entry)
    if (cutsBefore(entry.path, size, pipe.used)) {
      options.signal?.throwIfAborted()
      await pipe.cut()
    }
    if (entry.kind !== 'file') {
      packPlain(entry, pipe)
      entries.push(entry)
      continue
    }
    const content = entry.size === 0 ? EMPTY : open(entry)
    const digest = size <= FRAME.max ? packFile(entry, content, pipe) : await packLargeFile(entry, content, pipe)
    entries.push(entry.digest === '' ? { ...entry, digest } : entry)
  }
  await pipe.cut()
  pipe.append(END_OF_ARCHIVE)
  const diffId: Digest = `sha256:${await pipe.drain()}`
  const packed: Toc = { entries }
  const annotations = compression === 'zstd' ? await appendTables(packed, pipe) : {}
  const digest: Digest = `sha256:${pipe.blobDigest()}`
  const { size } = pipe
  return {
    toc: packed,
    diffId,
    digest,
    size,
    compression,
    mediaType: ociLayerType(compression),
    annotations,
    packer: packerName(options),
  }
}

const EMPTY = new Uint8Array(0)
/** More than any header that is not made of extended attributes or very long names. */
const USUAL_HEADER = 1536

/** About how many bytes of tar an entry takes; decides cuts, so it depends on the entry alone. */
function tarSize(entry: Entry): number {
  if (entry.kind === 'whiteout') return 512
  const header = encodedLengthBound(entry)
  return entry.kind === 'file' ? header + entry.size + padding(entry.size) : header
}

function encodedLengthBound(entry: Entry): number {
  let extra = entry.path.length > 100 ? entry.path.length + 16 : 0
  if (entry.xattrs !== undefined)
    for (const { name, value } of entry.xattrs) extra += 3 * name.length + value.length + 32
  if (entry.kind === 'symlink' || entry.kind === 'hardlink') extra += entry.target.length
  return (
    USUAL_HEADER +
    (extra === 0 ? 0 : extra + padding(extra)) +
    (entry.kind === 'directory' && entry.opaque ? 1024 + 512 : 0)
  )
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

function packPlain(entry: Exclude<Entry, FileEntry>, pipe: FramePipe): void {
  if (entry.kind === 'whiteout') {
    const parent = parentPath(entry.path)
    const name = WHITEOUT_PREFIX + baseName(entry.path)
    pipe.header({ ...entry, kind: 'file', path: parent === '' ? name : `${parent}/${name}`, size: 0 })
    return
  }
  pipe.header(entry)
  if (entry.kind === 'directory' && entry.opaque === true) {
    const path = entry.path === '' ? WHITEOUT_OPAQUE : `${entry.path}/${WHITEOUT_OPAQUE}`
    pipe.header({ kind: 'file', path, mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNs: 0, size: 0 })
  }
}

function packFile(entry: FileEntry, content: ReturnType<OpenContent>, pipe: FramePipe): string {
  pipe.header(entry)
  const digest = readWhole(entry, content, pipe.buffer, pipe.used)
  pipe.used += entry.size
  pad(entry.size, pipe)
  return digest
}

async function packLargeFile(entry: FileEntry, content: ReturnType<OpenContent>, pipe: FramePipe): Promise<string> {
  pipe.header(entry)
  const pieces = readPieces(entry, content, () => ({
    buffer: pipe.buffer,
    at: pipe.used,
    length: FRAME.max - pipe.used,
  }))
  for (;;) {
    const piece = pieces.next()
    if (piece.done === true) {
      if (FRAME.max - pipe.used < 512) await pipe.cut()
      pad(entry.size, pipe)
      await pipe.cut()
      return piece.value
    }
    pipe.used += piece.value
    if (pipe.used === FRAME.max) await pipe.cut()
  }
}

function pad(size: number, pipe: FramePipe): void {
  const length = padding(size)
  pipe.buffer.fill(0, pipe.used, pipe.used + length)
  pipe.used += length
}

async function appendTables(toc: Toc, pipe: FramePipe): Promise<Record<string, string>> {
  const table = skippableFrame(zstdCompressSync(encodeToc(toc)))
  const tocAt = pipe.size
  await pipe.write(table)
  const seekTable = encodeSeekTable([...pipe.frames, { content: 0, compressed: table.length }])
  const seekAt = pipe.size
  await pipe.write(seekTable)
  return {
    [TOC_ANNOTATION]: `${tocAt}:${table.length}:${sha256(table)}`,
    [FRAMES_ANNOTATION]: `${seekAt}:${seekTable.length}:${sha256(seekTable)}`,
  }
}
