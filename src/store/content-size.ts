import type { Digest } from '../oci/digest.ts'
import { allocatedBytes, type SeenFiles } from './allocated.ts'
import { blobPath, type Layout, treePath } from './layout.ts'
import type { Reach } from './reach.ts'

/** Bytes on the disk of the store's blobs and trees; each is measured once, when first asked for. */
export interface ContentSize {
  blob(digest: Digest): number
  tree(id: number): number
  /** Of all blobs and trees of `content` that are not in one of `without`. */
  total(content: Reach, ...without: readonly Reach[]): number
}

export function contentSize(layout: Layout, seen: SeenFiles = new Set()): ContentSize {
  const known = new Map<string, number>()
  const measure = (path: string): number => {
    const size = known.get(path) ?? allocatedBytes(path, seen)
    known.set(path, size)
    return size
  }
  const blob = (digest: Digest) => measure(blobPath(layout, digest))
  const tree = (id: number) => measure(treePath(layout, id))
  const total = (content: Reach, ...without: readonly Reach[]): number => {
    let bytes = 0
    for (const digest of content.blobs) if (!without.some(other => other.blobs.has(digest))) bytes += blob(digest)
    for (const id of content.trees) if (!without.some(other => other.trees.has(id))) bytes += tree(id)
    return bytes
  }
  return { blob, tree, total }
}
