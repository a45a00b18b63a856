import { type ByteString, comparePaths, type Entry, fromByteString } from '../../layer/entry.ts'
import { findEntry, type Toc } from '../../layer/toc.ts'
import { visibleFiles } from '../size/visible.ts'

/** What two images have differently at one path. Sizes in bytes, 0 for what has no content. */
export interface FileChange {
  readonly path: string
  readonly change: 'added' | 'removed' | 'changed'
  /** In what it is changed: `content`, `mode`, `owner`, `type`, `target`, `xattrs`. */
  readonly aspects: readonly string[]
  readonly before: number
  readonly after: number
}

/** Everything but directories, whose own attributes hardly matter. Times are not compared: every build has others. */
export function fileChanges(a: readonly Toc[], b: readonly Toc[]): readonly FileChange[] {
  const [before, after] = [seenEntries(a), seenEntries(b)]
  const changes: FileChange[] = []
  let [left, right] = [0, 0]
  while (left < before.length || right < after.length) {
    const [old, young] = [before[left], after[right]]
    const order = old === undefined ? 1 : young === undefined ? -1 : comparePaths(old.path, young.path)
    if (order <= 0) left++
    if (order >= 0) right++
    if (order < 0) changes.push(changeOf(old as Seen, undefined, 'removed', []))
    else if (order > 0) changes.push(changeOf(undefined, young as Seen, 'added', []))
    else {
      const aspects = aspectsOf(old as Seen, young as Seen)
      if (aspects.length > 0) changes.push(changeOf(old, young, 'changed', aspects))
    }
  }
  return changes
}

/** An entry as a container sees it: a further name of a file is that file. */
interface Seen {
  readonly path: ByteString
  readonly entry: Entry
}

function seenEntries(layers: readonly Toc[]): readonly Seen[] {
  const { hidden } = visibleFiles(layers)
  const seen: Seen[] = []
  layers.forEach((toc, layer) => {
    toc.entries.forEach((entry, index) => {
      if (hidden[layer]?.[index] !== 0 || entry.kind === 'directory' || entry.kind === 'whiteout') return
      const file = entry.kind === 'hardlink' ? findEntry(toc, entry.target) : undefined
      seen.push({ path: entry.path, entry: file ?? entry })
    })
  })
  return seen.sort((a, b) => comparePaths(a.path, b.path))
}

function changeOf(
  old: Seen | undefined,
  young: Seen | undefined,
  change: FileChange['change'],
  aspects: readonly string[],
): FileChange {
  const path = fromByteString((young ?? old)?.path ?? '')
  return { path: `/${path}`, change, aspects, before: sizeOf(old), after: sizeOf(young) }
}

function sizeOf(seen: Seen | undefined): number {
  return seen?.entry.kind === 'file' ? seen.entry.size : 0
}

function aspectsOf({ entry: a }: Seen, { entry: b }: Seen): readonly string[] {
  if (a.kind !== b.kind) return ['type']
  const aspects: string[] = []
  if (a.kind === 'file' && b.kind === 'file' && a.digest !== b.digest) aspects.push('content')
  if (a.kind === 'symlink' && b.kind === 'symlink' && a.target !== b.target) aspects.push('target')
  if (a.mode !== b.mode) aspects.push('mode')
  if (a.uid !== b.uid || a.gid !== b.gid) aspects.push('owner')
  if (a.xattrs !== b.xattrs && JSON.stringify(a.xattrs ?? []) !== JSON.stringify(b.xattrs ?? [])) aspects.push('xattrs')
  return aspects
}
