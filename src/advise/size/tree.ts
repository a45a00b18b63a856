import type { ByteString } from '../../layer/entry.ts'
import { fromByteString } from '../../layer/entry.ts'

/** A directory or file with all that is below it. */
export interface TreeNode {
  readonly name: string
  readonly bytes: number
  readonly files: number
  /** The largest first; empty for a file and where the tree is cut. */
  readonly children: readonly TreeNode[]
}

interface Open {
  bytes: number
  files: number
  readonly children: Map<ByteString, Open>
}

/** Sums files up by directory, down to `depth` levels below the root. */
export function sizeTree(files: Iterable<readonly [path: ByteString, size: number]>, depth: number): TreeNode {
  const root: Open = { bytes: 0, files: 0, children: new Map() }
  for (const [path, size] of files) {
    let node = root
    add(node, size)
    let start = 0
    for (let level = 0; level < depth && start >= 0 && start < path.length; level++) {
      const slash = path.indexOf('/', start)
      const name = path.slice(start, slash < 0 ? undefined : slash + 1)
      let child = node.children.get(name)
      if (child === undefined) {
        child = { bytes: 0, files: 0, children: new Map() }
        node.children.set(name, child)
      }
      add(child, size)
      node = child
      start = slash < 0 ? path.length : slash + 1
    }
  }
  return closed('/', root)
}

function add(node: Open, size: number): void {
  node.bytes += size
  node.files++
}

function closed(name: ByteString, { bytes, files, children }: Open): TreeNode {
  const below = [...children].map(([child, node]) => closed(child, node)).sort((a, b) => b.bytes - a.bytes)
  return { name: fromByteString(name), bytes, files, children: below }
}
