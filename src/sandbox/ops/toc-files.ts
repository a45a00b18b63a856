import { readFile, writeFile } from 'node:fs/promises'
import type { TreeOptions } from '../../layer/apply.ts'
import type { ByteString, DirectoryEntry } from '../../layer/entry.ts'
import type { Toc } from '../../layer/toc.ts'
import { decodeToc, encodeToc } from '../../layer/toc-codec.ts'
import { type LayeredView, layeredView } from '../../rootfs/view.ts'
import type { TocStats } from '../layer-requests.ts'
import type { HelperHost } from '../protocol.ts'

export async function readToc(path: string): Promise<Toc> {
  return decodeToc(await readFile(path))
}

export async function writeToc(path: string | undefined, toc: Toc): Promise<TocStats> {
  if (path !== undefined) await writeFile(path, encodeToc(toc))
  const unpackedSize = toc.entries.reduce((sum, entry) => (entry.kind === 'file' ? sum + entry.size : sum), 0)
  return { entries: toc.entries.length, unpackedSize }
}

/** The layers below as one file system. */
export async function readView(paths: readonly string[]): Promise<LayeredView> {
  return layeredView(await Promise.all(paths.map(readToc)))
}

export async function treeOptions(
  host: HelperHost,
  below: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<TreeOptions> {
  const view = await readView(below ?? [])
  return {
    overlay: host.rootless ? 'user' : 'trusted',
    ownership: host.singleUser ? 'ignore' : 'real',
    implied: path => impliedDirectory(view, path),
    signal,
  }
}

function impliedDirectory(view: LayeredView, path: ByteString): DirectoryEntry | undefined {
  const entry = view.lookup(path)
  return entry?.kind === 'directory' ? entry : undefined
}
