import { ShaleError } from '../error.ts'
import type { OpaqueMark } from './clean.ts'
import {
  type ByteString,
  comparePaths,
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  fromByteString,
} from './entry.ts'
import type { Toc } from './toc.ts'
import { hardlinkTo } from './toc-decode.ts'
import { TOC_LIMITS } from './toc-format.ts'

type Plain = Exclude<Entry, { kind: 'hardlink' | 'whiteout' }>

interface Node {
  /** What is there; hard links share one. Its path is that of the first name that the archive gave. */
  readonly inode: Plain
  readonly order: number
}

/**
 * Makes a canonical table of a layer's members in the order of the archive: a later member replaces an earlier one of
 * the same path, and whatever stands in its way (a file where a directory is needed, what was in a directory that
 * became a file). Of a hard-link group the first name in path order is the file. A whiteout has no effect on members of
 * its own layer, except that it makes a directory of the same path opaque.
 */
export class TocBuilder {
  readonly #nodes = new Map<ByteString, Node>()
  /** When a path was last something other than a directory. */
  readonly #nonDirectories = new Map<ByteString, number>()
  readonly #whiteouts = new Map<ByteString, Entry>()
  readonly #opaque = new Set<ByteString>()
  #order = 0
  #nameBytes = 0
  #xattrBytes = 0

  /**
   * Files must come with their digest. Throws `LAYER_INVALID` for a hard link to what is no earlier member, and
   * `LAYER_TOO_LARGE` before names and attributes fill the memory: a few kilobytes of a blob can hold gigabytes of them.
   */
  add(entry: Entry | OpaqueMark): void {
    this.#count(entry)
    if (entry.kind === 'opaque') this.#opaque.add(entry.path)
    else if (entry.kind === 'whiteout') this.#whiteouts.set(entry.path, entry)
    else if (entry.kind === 'hardlink') this.#put(entry.path, this.#linked(entry.path, entry.target))
    else this.#put(entry.path, entry)
  }

  #count(entry: Entry | OpaqueMark): void {
    this.#nameBytes += entry.path.length
    if (entry.kind === 'symlink') this.#nameBytes += entry.target.length
    if (this.#nameBytes > TOC_LIMITS.namesOfLayer) throw tooLarge(entry.path, TOC_LIMITS.namesOfLayer, 'names')
    if (entry.kind === 'opaque' || entry.xattrs === undefined) return
    for (const { name, value } of entry.xattrs) this.#xattrBytes += name.length + value.length
    if (this.#xattrBytes > TOC_LIMITS.xattrsOfLayer) {
      throw tooLarge(entry.path, TOC_LIMITS.xattrsOfLayer, 'extended attributes')
    }
  }

  #put(path: ByteString, inode: Plain): void {
    const order = this.#order++
    this.#nodes.set(path, { inode, order })
    if (inode.kind !== 'directory') this.#nonDirectories.set(path, order)
  }

  #linked(path: ByteString, target: ByteString): Plain {
    const node = this.#nodes.get(target)
    const there = node !== undefined && !this.#replacedSince(target, node.order)
    if (there && node.inode.kind !== 'directory') return node.inode
    const why = there ? 'is a directory' : 'is no earlier member of the layer'
    throw new ShaleError('LAYER_INVALID', `hard link ${show(path)} names ${show(target)}, which ${why}`)
  }

  /** Whether something above a path became a non-directory after the path was added. */
  #replacedSince(path: ByteString, order: number): boolean {
    for (let above = parentOf(path); above !== undefined; above = parentOf(above)) {
      if ((this.#nonDirectories.get(above) ?? -1) > order) return true
    }
    return false
  }

  finish(): Toc {
    const paths = this.#survivors()
    const firstNames = new Map<Plain, FileEntry>()
    const entries: Entry[] = []
    for (const path of paths) {
      const { inode } = this.#nodes.get(path) as Node
      entries.push(this.#entry(path, inode, firstNames))
    }
    const added = [...this.#hiding()]
    if (added.length === 0) return { entries }
    return { entries: [...entries, ...added].sort((a, b) => comparePaths(a.path, b.path)) }
  }

  #entry(path: ByteString, inode: Plain, firstNames: Map<Plain, FileEntry>): Entry {
    if (inode.kind === 'directory')
      return this.#hides(path) && inode.opaque !== true ? { ...inode, opaque: true } : inode
    if (inode.kind !== 'file') return inode.path === path ? inode : { ...inode, path }
    const first = firstNames.get(inode)
    if (first !== undefined) return hardlinkTo(first, path)
    const file = inode.path === path ? inode : { ...inode, path }
    firstNames.set(inode, file)
    return file
  }

  #hides(path: ByteString): boolean {
    return this.#opaque.has(path) || this.#whiteouts.has(path)
  }

  /** Paths of what is left, sorted; drops what was replaced by way of its ancestors or descendants. */
  #survivors(): readonly ByteString[] {
    const replaced = new Map<ByteString, number>([['', -1]])
    const dropped = new Set<ByteString>()
    for (const [path, { order }] of this.#nodes) {
      const parent = parentOf(path)
      if (parent === undefined) continue
      const last = this.#lastReplaced(parent, replaced)
      if (last < 0) continue
      if (last > order) dropped.add(path)
      else this.#dropNonDirectories(parent, dropped)
    }
    for (const path of dropped) this.#nodes.delete(path)
    return [...this.#nodes.keys()].sort(comparePaths)
  }

  /** When any of a directory's path was last no directory; -1 for never. */
  #lastReplaced(directory: ByteString, known: Map<ByteString, number>): number {
    const before = known.get(directory)
    if (before !== undefined) return before
    const above = this.#lastReplaced(parentOf(directory) ?? '', known)
    const last = Math.max(above, this.#nonDirectories.get(directory) ?? -1)
    known.set(directory, last)
    return last
  }

  #dropNonDirectories(directory: ByteString, dropped: Set<ByteString>): void {
    for (let path: ByteString | undefined = directory; path !== undefined; path = parentOf(path)) {
      const kind = this.#nodes.get(path)?.inode.kind
      if (kind !== undefined && kind !== 'directory') {
        dropped.add(path)
        this.#opaque.add(path)
      }
    }
  }

  /** Whiteouts of paths that the layer does not have itself, and opaque directories that it does not list. */
  *#hiding(): Generator<Entry> {
    const parents = new Set<ByteString>()
    if (this.#whiteouts.size > 0 || this.#opaque.size > 0) {
      for (const path of this.#nodes.keys()) {
        for (let parent = parentOf(path); parent !== undefined && !parents.has(parent); parent = parentOf(parent))
          parents.add(parent)
      }
    }
    for (const path of this.#opaque) {
      if (!this.#nodes.has(path) && !this.#blocked(path)) yield opaqueDirectory(path)
    }
    for (const [path, whiteout] of this.#whiteouts) {
      if (this.#nodes.has(path) || this.#opaque.has(path) || this.#blocked(path)) continue
      yield parents.has(path) ? opaqueDirectory(path) : whiteout
    }
  }

  /** True when the path lies below something that is no directory in this layer. */
  #blocked(path: ByteString): boolean {
    for (let above = parentOf(path); above !== undefined; above = parentOf(above)) {
      const kind = this.#nodes.get(above)?.inode.kind
      if (kind !== undefined && kind !== 'directory') return true
    }
    return false
  }
}

function opaqueDirectory(path: ByteString): DirectoryEntry {
  return { kind: 'directory', path, mode: 0o755, uid: 0, gid: 0, mtime: 0, mtimeNs: 0, opaque: true }
}

function parentOf(path: ByteString): ByteString | undefined {
  if (path === '') return undefined
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

function show(path: ByteString): string {
  return JSON.stringify(fromByteString(path))
}

function tooLarge(path: ByteString, limit: number, what: string): ShaleError {
  return new ShaleError('LAYER_TOO_LARGE', `up to ${show(path)} the layer has more than ${limit} bytes of ${what}`, {
    hint: 'such a layer is most likely hostile',
  })
}
