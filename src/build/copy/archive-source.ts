import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { ShaleError, writing } from '../../error.ts'
import { entryOf } from '../../layer/clean.ts'
import { decompressArchive } from '../../layer/decompress-archive.ts'
import type { ByteString, Entry, FileEntry } from '../../layer/entry.ts'
import { findEntry, type Toc, tocOf } from '../../layer/toc.ts'
import { layeredView } from '../../rootfs/view.ts'
import { readTar } from '../../tar/read.ts'
import { below, type CopySource, type SourceNode } from './source.ts'

/** True when the file is a tar, plain or compressed; a compressed file of another kind is none. */
export async function isArchive(path: string | Buffer): Promise<boolean> {
  try {
    for await (const _ of readTar(decompressArchive(createReadStream(path)))) return true
    return false
  } catch (error) {
    if (error instanceof ShaleError && error.code === 'DECOMPRESSOR_MISSING') throw error
    return false
  }
}

/**
 * An archive as a source to copy from: its table of contents in memory, the content of its files in `folder`. Members
 * that would leave the root are refused (`TAR_PATH_ESCAPES`), later members replace earlier ones.
 */
export async function archiveSource(path: string | Buffer, folder: string): Promise<CopySource> {
  const entries: Entry[] = []
  const contents = new Map<ByteString, string>()
  for await (const member of readTar(decompressArchive(createReadStream(path)))) {
    const entry = entryOf(member.header)
    if (entry === undefined || entry.kind === 'opaque' || entry.kind === 'whiteout') continue
    if (entry.kind !== 'file') {
      entries.push(entry)
      continue
    }
    const content = join(folder, String(entries.length))
    contents.set(entry.path, content)
    entries.push(await spool(entry, member.whole === undefined ? member.content : [member.whole], content))
  }
  return tableSource(tocOf(entries), contents)
}

async function spool(
  entry: FileEntry,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  path: string,
): Promise<FileEntry> {
  const hash = createHash('sha256')
  const file: FileHandle = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of content) {
      hash.update(chunk)
      await writing(path, () => file.writeFile(chunk))
    }
  } finally {
    await file.close()
  }
  return { ...entry, digest: hash.digest('hex') }
}

function tableSource(toc: Toc, contents: ReadonlyMap<ByteString, string>): CopySource {
  const view = layeredView([toc])
  const target = (path: ByteString): ByteString => {
    const entry = findEntry(toc, path)
    return entry?.kind === 'hardlink' ? target(entry.target) : path
  }
  const lookup = (path: ByteString): Entry | undefined => {
    const entry = view.lookup(path)
    if (entry?.kind !== 'hardlink') return entry
    const file = findEntry(toc, target(path))
    return file?.kind === 'file' ? { ...file, path } : entry
  }
  const node = (path: ByteString): SourceNode | undefined => {
    const entry = lookup(path)
    if (entry?.kind !== 'file') return entry && { path, entry }
    const group = target(path)
    return { path, entry, group, origin: { kind: 'host', path: contents.get(group) as string } }
  }
  return {
    view: { lookup, children: view.children },
    node,
    nodes: directory => view.children(directory).map(name => node(below(directory, name)) as SourceNode),
    missing: pattern => new ShaleError('ARCHIVE_MEMBER_MISSING', `${pattern} is not in the archive`),
  }
}
