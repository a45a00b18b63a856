import { type ByteString, type Entry, parentPath, type Xattr } from './entry.ts'
import { getXattr } from './fs-calls.ts'
import { Scan, walk } from './scan.ts'
import type { Toc } from './toc.ts'
import { TocBuilder } from './toc-builder.ts'

export interface DiffOptions {
  /** Whose attribute marks opaque directories, as with `applyLayer`. */
  readonly overlay: 'trusted' | 'user'
  /** What the layers below show at a path; a directory that is only there because of a copy-up is left out then. */
  readonly lower: (path: ByteString) => Entry | undefined
  /** Paths to leave out, with all below: what was mounted there for the process. */
  readonly skip?: ((path: ByteString) => boolean) | undefined
}

/**
 * The layer that an overlayfs upper directory amounts to: character devices 0/0 become whiteouts, the opaque attribute
 * becomes `opaque`, hard links between names of the upper directory stay links and others are files of their own. An
 * entry that is as the layers below have it, times included, is left out unless something below it changed. The overlay
 * must not be mounted any more (or nobody write to it). Throws as `scanTree`.
 */
export function diffTree(upper: string, options: DiffOptions): Toc {
  const scan = new Scan(upper)
  const builder = new TocBuilder()
  const links = new Map<string, ByteString>()
  for (const path of walk(scan, options.skip)) {
    const node = scan.node(path)
    if (node === undefined) continue
    const { inode } = node
    const entry = marked(node.entry, scan, options)
    const target = inode === undefined ? undefined : links.get(inode)
    if (target !== undefined) {
      const { mode, uid, gid, mtime, mtimeNs } = entry
      builder.add({ kind: 'hardlink', path, mode, uid, gid, mtime, mtimeNs, target })
      continue
    }
    if (inode !== undefined) links.set(inode, path)
    builder.add(entry.kind === 'file' ? { ...entry, digest: scan.digest(path, entry.size) } : entry)
  }
  return withoutUntouched(builder.finish(), options.lower)
}

function marked(entry: Entry, scan: Scan, { overlay }: DiffOptions): Entry {
  const { kind, path } = entry
  if (kind === 'char' && entry.major === 0 && entry.minor === 0) {
    return { kind: 'whiteout', path, mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNs: 0 }
  }
  if (kind !== 'directory' || path === '') return entry
  return getXattr(scan.absolute(path), `${overlay}.overlay.opaque`) === 'y' ? { ...entry, opaque: true } : entry
}

/** From the last entry to the first, so that what is below a directory is decided before the directory. */
function withoutUntouched(toc: Toc, lower: (path: ByteString) => Entry | undefined): Toc {
  const linked = new Set<ByteString>()
  for (const entry of toc.entries) if (entry.kind === 'hardlink') linked.add(entry.target)
  const parents = new Set<ByteString>()
  const kept: Entry[] = []
  for (let i = toc.entries.length - 1; i >= 0; i--) {
    const entry = toc.entries[i] as Entry
    if (!parents.has(entry.path) && !linked.has(entry.path) && isUntouched(entry, lower(entry.path))) continue
    kept.push(entry)
    if (entry.path !== '') parents.add(parentPath(entry.path))
  }
  return { entries: kept.reverse() }
}

function isUntouched(entry: Entry, lower: Entry | undefined): boolean {
  if (entry.kind === 'whiteout') return lower === undefined
  if (lower === undefined || entry.kind === 'hardlink') return false
  if (entry.kind === 'directory' && entry.opaque === true) return false
  return sameEntry(entry, lower)
}

/** Equal in everything, names of hard links aside. */
export function sameEntry(a: Entry, b: Entry): boolean {
  if (a.kind !== b.kind || a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false
  if (a.mtime !== b.mtime || a.mtimeNs !== b.mtimeNs || !sameXattrs(a.xattrs, b.xattrs)) return false
  if (a.kind === 'file') return b.kind === 'file' && a.size === b.size && a.digest === b.digest
  if (a.kind === 'symlink' || a.kind === 'hardlink') return 'target' in b && a.target === b.target
  if (a.kind === 'char' || a.kind === 'block') return 'major' in b && a.major === b.major && a.minor === b.minor
  return true
}

function sameXattrs(a: readonly Xattr[] = [], b: readonly Xattr[] = []): boolean {
  return a.length === b.length && a.every(({ name, value }, i) => b[i]?.name === name && b[i]?.value === value)
}
