import { type Entry, fromByteString } from '../layer/entry.ts'
import type { Toc } from '../layer/toc.ts'

/** One difference between two tables of contents: `src/a.js changed (content)`. */
export interface TocChange {
  readonly path: string
  readonly how: string
}

/** What differs between two tables, times left out, in path order. */
export function tocChanges(before: Toc, after: Toc): readonly TocChange[] {
  const changes: TocChange[] = []
  let left = 0
  let right = 0
  while (left < before.entries.length || right < after.entries.length) {
    const old = before.entries[left]
    const now = after.entries[right]
    if (now === undefined || (old !== undefined && old.path < now.path)) {
      changes.push({ path: fromByteString((old as Entry).path), how: 'removed' })
      left++
    } else if (old === undefined || now.path < old.path) {
      changes.push({ path: fromByteString(now.path), how: 'added' })
      right++
    } else {
      const how = entryChange(old, now)
      if (how !== undefined) changes.push({ path: fromByteString(now.path), how })
      left++
      right++
    }
  }
  return changes
}

function entryChange(old: Entry, now: Entry): string | undefined {
  if (old.kind !== now.kind) return `${old.kind} became ${now.kind}`
  const parts: string[] = []
  if (old.kind === 'file' && now.kind === 'file' && old.digest !== now.digest) parts.push('content')
  if ((old.kind === 'symlink' || old.kind === 'hardlink') && now.kind === old.kind && old.target !== now.target) {
    parts.push(`link to ${fromByteString(old.target)} became ${fromByteString(now.target)}`)
  }
  if (old.mode !== now.mode) parts.push(`mode ${octal(old.mode)} became ${octal(now.mode)}`)
  if (old.uid !== now.uid || old.gid !== now.gid) {
    parts.push(`owner ${old.uid}:${old.gid} became ${now.uid}:${now.gid}`)
  }
  if (JSON.stringify(old.xattrs ?? []) !== JSON.stringify(now.xattrs ?? [])) parts.push('extended attributes')
  return parts.length === 0 ? undefined : parts.join(', ')
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
