import { padding } from '../tar/header.ts'
import { END_OF_ARCHIVE, encodeHeader } from '../tar/write.ts'
import type { ArchiveItem } from './item.ts'

const COMMON = { uid: 0, gid: 0, mtime: 0, mtimeNs: 0 }

/** Items as a tar, their folders before them. Owner and time are always 0: equal images make equal archives. */
export async function* tarOf(items: AsyncIterable<ArchiveItem>): AsyncGenerator<Uint8Array> {
  const folders = new Set<string>()
  for await (const item of items) {
    for (const path of foldersOf(item.path)) {
      if (folders.has(path)) continue
      folders.add(path)
      yield encodeHeader({ path, kind: 'directory', mode: 0o755, ...COMMON })
    }
    yield encodeHeader({ path: item.path, kind: 'file', mode: 0o644, size: item.size, ...COMMON })
    yield* item.open()
    const rest = padding(item.size)
    if (rest > 0) yield new Uint8Array(rest)
  }
  yield END_OF_ARCHIVE
}

function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}
