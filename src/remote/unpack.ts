import { applyLayer } from '../layer/apply.ts'
import { decompressArchive } from '../layer/decompress-archive.ts'
import { type LayerMember, readLayer } from '../layer/read.ts'
import { maxLayerSize } from '../layer/size-limit.ts'

/**
 * Unpacks an archive, compressed or not, into an empty folder, for its files to be read by whoever runs this: no owners,
 * devices or extended attributes. Nothing lands outside of the folder. Throws the tar's and the compression's errors,
 * `LAYER_TOO_LARGE` beyond `maxLayerSize`. Gives the time of the newest file, seconds since 1970.
 */
export async function unpackArchive(
  bytes: AsyncIterable<Uint8Array>,
  folder: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const members = readLayer(decompressArchive(bytes), 'none', { maxSize: maxLayerSize() })
  const { entries } = await applyLayer(plain(members), folder, { overlay: 'user', ownership: 'ignore', signal })
  return entries.reduce<number | undefined>((newest, { mtime }) => Math.max(newest ?? mtime, mtime), undefined)
}

/** What overlayfs would take for its own marks is no file of a context. */
async function* plain(members: AsyncIterable<LayerMember>): AsyncGenerator<LayerMember> {
  for await (const member of members) {
    const { entry } = member
    if (entry.kind === 'whiteout' || entry.kind === 'opaque') continue
    const { xattrs: _, ...rest } = entry
    yield { ...member, entry: rest }
  }
}
