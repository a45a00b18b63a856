import { createHash, hash } from 'node:crypto'
import { closeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { type Content, type OpenContent, readPieces, readWhole } from './content.ts'
import { type ByteString, type DirectoryEntry, type Entry, type FileEntry, parentPath } from './entry.ts'
import type { LayerMember } from './read.ts'
import type { Toc } from './toc.ts'
import { TocBuilder } from './toc-builder.ts'
import { type TreeOptions, TreeWriter } from './tree-writer.ts'

export type { TreeOptions } from './tree-writer.ts'

const BUFFER = 1024 * 1024
/** Entries between two turns of the event loop. */
const TURN = 512

/**
 * Unpacks a layer's members into `folder`, which must be empty, as one lower tree of overlayfs: whiteouts become
 * character devices 0/0, opaque directories get overlayfs' attribute. Everything lands strictly beneath the folder,
 * whatever symbolic links the layer holds. Gives the layer's table with all digests. After an error the folder holds
 * some of the layer. Throws what the members throw, `LAYER_INVALID`, `TREE_XATTR`, and errors of the file system.
 */
export async function applyLayer(
  members: AsyncIterable<LayerMember>,
  folder: string,
  options: TreeOptions,
): Promise<Toc> {
  const writer = new TreeWriter(folder, options)
  const builder = new TocBuilder()
  let count = 0
  for await (const member of members) {
    if (++count % TURN === 0) options.signal?.throwIfAborted()
    const { entry } = member
    if (entry.kind === 'file') {
      const { whole } = member
      const digest =
        whole === undefined ? await streamFile(writer, entry, member.content) : writeWhole(writer, entry, whole)
      builder.add({ ...entry, digest })
      continue
    }
    // First the table: it refuses links to what is not there.
    builder.add(entry)
    if (entry.kind === 'directory') writer.directory(entry.path)
    else if (entry.kind === 'hardlink') writer.hardlink(entry.path, entry.target)
    else if (entry.kind !== 'whiteout' && entry.kind !== 'opaque') writer.node(entry)
  }
  const toc = builder.finish()
  finishTree(writer, toc, options)
  return toc
}

function writeWhole(writer: TreeWriter, entry: FileEntry, bytes: Uint8Array): string {
  writer.file(entry, fd => writer.append(fd, entry.path, bytes))
  return hash('sha256', bytes, 'hex')
}

async function streamFile(writer: TreeWriter, entry: FileEntry, content: AsyncIterable<Uint8Array>): Promise<string> {
  const hasher = createHash('sha256')
  const fd = writer.beginFile(entry)
  try {
    for await (const chunk of content) {
      hasher.update(chunk)
      writer.append(fd, entry.path, chunk)
    }
    writer.finishFile(fd, entry)
  } finally {
    closeSync(fd)
  }
  return hasher.digest('hex')
}

/**
 * Writes a table's tree straight from its files' contents, as `applyLayer` would from the blob. Contents are verified;
 * empty digests are filled in in the table that is given back. Throws as `packLayer` and `applyLayer`.
 */
export async function writeTree(toc: Toc, open: OpenContent, folder: string, options: TreeOptions): Promise<Toc> {
  const writer = new TreeWriter(folder, options)
  const buffer = Buffer.allocUnsafeSlow(BUFFER + 1)
  const entries: Entry[] = []
  let count = 0
  for (const entry of toc.entries) {
    if (++count % TURN === 0) {
      await setImmediate()
      options.signal?.throwIfAborted()
    }
    entries.push(
      entry.kind === 'file' ? copyFile(writer, entry, entry.size === 0 ? EMPTY : open(entry), buffer) : entry,
    )
    if (entry.kind === 'directory') writer.directory(entry.path)
    else if (entry.kind === 'hardlink') writer.hardlink(entry.path, entry.target)
    else if (entry.kind !== 'file' && entry.kind !== 'whiteout') writer.node(entry)
  }
  const written = { entries }
  finishTree(writer, written, options)
  return written
}

const EMPTY = new Uint8Array(0)

function copyFile(writer: TreeWriter, entry: FileEntry, content: Content, buffer: Buffer): FileEntry {
  let digest = ''
  writer.file(entry, fd => {
    if (entry.size <= BUFFER) {
      digest = readWhole(entry, content, buffer, 0)
      writer.append(fd, entry.path, buffer.subarray(0, entry.size))
      return
    }
    const pieces = readPieces(entry, content, () => ({ buffer, at: 0, length: BUFFER }))
    let piece = pieces.next()
    for (; piece.done !== true; piece = pieces.next()) writer.append(fd, entry.path, buffer.subarray(0, piece.value))
    digest = piece.value
  })
  return entry.digest === '' ? { ...entry, digest } : entry
}

/** Whiteouts, then the directories' attributes, deepest first, since writing into one changes its time. */
function finishTree(writer: TreeWriter, toc: Toc, options: TreeOptions): void {
  for (const entry of toc.entries) {
    if (entry.kind === 'whiteout') writer.whiteout(entry.path)
    else if (entry.kind === 'directory') writer.directory(entry.path)
  }
  const listed = toc.entries.filter(entry => entry.kind === 'directory')
  const implied = impliedDirectories(toc).map(path => ({
    ...(options.implied?.(path) ?? IMPLIED),
    path,
    opaque: undefined,
  }))
  const all = [...listed, ...implied].sort((a, b) => (a.path < b.path ? 1 : -1))
  for (const { opaque, ...directory } of all) {
    writer.finishDirectory(directory.path, opaque === true ? { ...directory, opaque } : directory)
  }
}

const IMPLIED: DirectoryEntry = { kind: 'directory', path: '', mode: 0o755, uid: 0, gid: 0, mtime: 0, mtimeNs: 0 }

/**
 * Directories that a layer has something in but does not list, sorted. A tree takes their attributes from the layers
 * below, so a layer that has any (other than the root alone) unpacks differently on different bases.
 */
export function impliedDirectories(toc: Toc): readonly ByteString[] {
  const known = new Set<ByteString>()
  for (const entry of toc.entries) if (entry.kind === 'directory') known.add(entry.path)
  const implied: ByteString[] = []
  if (!known.has('')) implied.push('')
  known.add('')
  for (const { path } of toc.entries) {
    for (let above = parentPath(path); !known.has(above); above = parentPath(above)) {
      known.add(above)
      implied.push(above)
    }
  }
  return implied.sort()
}
