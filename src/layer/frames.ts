import { padding } from '../tar/header.ts'
import { headerLength } from '../tar/write.ts'
import type { ByteString, Entry, FileEntry } from './entry.ts'

/**
 * How a layer's tar is cut into frames that are compressed apart. A frame ends before an entry whose path says so, with
 * a chance proportional to the entry's size: where other files change, come or go, the cuts elsewhere stay. Part of the
 * packer's version: another value gives other blobs.
 */
export const FRAME = {
  /** No frame is cut by a path before this size. */
  min: 256 * 1024,
  /** What cuts aim at. */
  target: 1024 * 1024,
  /** No frame is larger; a larger entry has frames of its own, all but the last of this size. */
  max: 4 * 1024 * 1024,
} as const

/** Entries `from` to before `to` of a table: those of one frame, or one that takes several. */
export interface FrameGroup {
  readonly from: number
  readonly to: number
}

/** The groups of a layer's entries, decided by the entries alone. A last frame holds the end of the archive. */
export function frameGroups(entries: readonly Entry[]): readonly FrameGroup[] {
  const groups: FrameGroup[] = []
  let from = 0
  let used = 0
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry
    const size = sizeInTar(entry)
    if (cutsBefore(entry.path, size, used)) {
      groups.push({ from, to: i })
      from = i
      used = 0
    }
    used += size
  }
  if (from < entries.length) groups.push({ from, to: entries.length })
  return groups
}

/** How many frames a group has: one, unless it is a single large entry. */
export function framesOf(entries: readonly Entry[], { from }: FrameGroup): number {
  const entry = entries[from] as Entry
  if (entry.kind !== 'file' || !isLarge(entry)) return 1
  return Math.ceil((headerLength(entry) + entry.size + padding(entry.size)) / FRAME.max)
}

/** Whether an entry takes frames of its own. */
export function isLarge(entry: FileEntry): boolean {
  return sizeInTar(entry) > FRAME.max
}

function cutsBefore(path: ByteString, size: number, used: number): boolean {
  if (used === 0) return false
  if (used + size > FRAME.max) return true
  return used >= FRAME.min && fnv1a(path) < (size / FRAME.target) * 0x1_0000_0000
}

/** FNV-1a with a final mix, 32 bits: the low-entropy end of similar paths must reach the high bits. */
function fnv1a(bytes: ByteString): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** More than any header that is not made of extended attributes or very long names. */
const USUAL_HEADER = 1536

/** At least the bytes of tar that an entry takes, and about as many. */
function sizeInTar(entry: Entry): number {
  const header = headerBound(entry)
  return entry.kind === 'file' ? header + entry.size + padding(entry.size) : header
}

function headerBound(entry: Entry): number {
  // A whiteout's name gets four more.
  let extra = entry.path.length > 96 ? entry.path.length + 20 : 0
  if (entry.xattrs !== undefined)
    for (const { name, value } of entry.xattrs) extra += 3 * name.length + value.length + 32
  if (entry.kind === 'symlink' || entry.kind === 'hardlink') extra += entry.target.length
  return (
    USUAL_HEADER +
    (extra === 0 ? 0 : extra + padding(extra)) +
    (entry.kind === 'directory' && entry.opaque ? 1024 + 512 : 0)
  )
}

/** One frame of a blob: bytes of tar it holds, bytes of blob it takes. */
export interface FrameSize {
  readonly content: number
  readonly compressed: number
}
