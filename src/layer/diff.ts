import { type ByteString, type Entry, parentPath, type Xattr } from './entry.ts'
import { getXattr } from './fs-calls.ts'
import { Scan, type ScannedTree, type ScanOptions, scanWith } from './scan.ts'
import type { Toc } from './toc.ts'

export interface DiffOptions extends ScanOptions {
  /** Whose attribute marks opaque directories, as with `applyLayer`. */
  readonly overlay: 'trusted' | 'user'
  /** What the layers below show at a path; a directory that is only there because of a copy-up is left out then. */
  readonly lower: (path: ByteString) => Entry | undefined
}

/**
 * The layer that an overlayfs upper directory amounts to: character devices 0/0 become whiteouts, the opaque attribute
 * becomes `opaque`, hard links between names of the upper directory stay links and others are files of their own. An
 * entry that is as the layers below have it, times included, is left out unless something below it changed. The root
 * is listed only when its mode, owner or attributes changed. The overlay must not be mounted any more (or nobody write
 * to it). Throws as `scanTree`.
 */
export async function diffTree(upper: string, options: DiffOptions): Promise<ScannedTree> {
  const scan = new Scan(upper)
  const { toc, open } = await scanWith(scan, options, entry => marked(entry, scan, options))
  return { toc: withoutUntouched(toc, options.lower), open }
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
    if (entry.path === '' && isUntouchedRoot(entry, lower(''))) continue
    if (!parents.has(entry.path) && !linked.has(entry.path) && isUntouched(entry, lower(entry.path))) continue
    kept.push(entry)
    if (entry.path !== '') parents.add(parentPath(entry.path))
  }
  return { entries: kept.reverse() }
}

/** Anything made in the root changes its time, which is not worth an entry in every layer. */
function isUntouchedRoot(root: Entry, lower: Entry | undefined): boolean {
  const { mode, uid, gid, xattrs } = lower ?? { mode: 0o755, uid: 0, gid: 0 }
  return root.mode === mode && root.uid === uid && root.gid === gid && sameXattrs(root.xattrs, xattrs)
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
