import type { ByteString, Entry, FileEntry } from '../../layer/entry.ts'
import { lowerBound, type Toc } from '../../layer/toc.ts'

/** Bytes of a lower layer that are in the image and cannot be seen. */
export interface Waste {
  /** What hides them: the path that is written again or deleted. */
  readonly path: ByteString
  readonly kind: 'overwritten' | 'deleted'
  readonly bytes: number
  readonly files: number
  /** The layer that they are in; of several the lowest. */
  readonly from: number
  /** The layer that hides them. */
  readonly by: number
}

/** What of a chain of layers, lowest first, a container sees. */
export interface Visible {
  readonly layers: readonly Toc[]
  /** Of every layer and each of its entries, by its index: 1 when it is hidden. */
  readonly hidden: readonly Uint8Array[]
  readonly waste: readonly Waste[]
}

/** A layer, looked at from one above it. */
interface Lower {
  readonly index: number
  readonly toc: Toc
  readonly hidden: Uint8Array
}

type Note = (path: ByteString, kind: Waste['kind'], lower: number, files: readonly FileEntry[]) => void

/**
 * Lays one layer upon the other and notes what each hides. Sizes are those of contents; a file with several names counts
 * where its first one is. Tables are sorted, so that two of them are gone through side by side.
 */
export function visibleFiles(layers: readonly Toc[]): Visible {
  const hidden = layers.map(({ entries }) => new Uint8Array(entries.length))
  const waste: Waste[] = []
  layers.forEach((upper, by) => {
    const found = new Map<ByteString, Waste>()
    const note: Note = (path, kind, from, files) => {
      if (files.length === 0) return
      const known = found.get(path) ?? { path, kind, bytes: 0, files: 0, from, by }
      const bytes = files.reduce((sum, { size }) => sum + size, known.bytes)
      found.set(path, { ...known, bytes, files: known.files + files.length })
    }
    for (let index = 0; index < by; index++) {
      const lower = { index, toc: layers[index] as Toc, hidden: hidden[index] as Uint8Array }
      hideSamePaths(upper, lower, note)
      hideBelowDeleted(upper, lower, note)
    }
    waste.push(...found.values())
  })
  return { layers, hidden, waste }
}

/** Every file that is seen, with the index of its layer. */
export function eachVisible({ layers, hidden }: Visible, visit: (file: FileEntry, layer: number) => void): void {
  layers.forEach(({ entries }, layer) => {
    const flags = hidden[layer] as Uint8Array
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index] as Entry
      if (entry.kind === 'file' && flags[index] === 0) visit(entry, layer)
    }
  })
}

/** What both have: the upper one's is seen, and below it nothing of the lower one unless both are directories. */
function hideSamePaths({ entries }: Toc, lower: Lower, note: Note): void {
  const { toc, hidden } = lower
  // A long table is not walked for the few entries of a short one.
  const search = entries.length * 20 < toc.entries.length
  let at = 0
  for (const entry of entries) {
    if (search) at = lowerBound(toc, entry.path)
    else while (at < toc.entries.length && (toc.entries[at] as Entry).path < entry.path) at++
    const other = toc.entries[at]
    if (other === undefined) return
    if (other.path !== entry.path) continue
    const kind = entry.kind === 'whiteout' ? 'deleted' : 'overwritten'
    if (other.kind === 'directory') {
      if (entry.kind !== 'directory') note(entry.path, kind, lower.index, takeBelow(lower, entry.path))
    } else if (hidden[at] === 0) {
      hidden[at] = 1
      if (other.kind === 'file') note(entry.path, kind, lower.index, [other])
    }
  }
}

/** Also of directories that the lower table does not list. */
function hideBelowDeleted({ entries }: Toc, lower: Lower, note: Note): void {
  for (const entry of entries) {
    const deletes = entry.kind === 'whiteout' || (entry.kind === 'directory' && entry.opaque === true)
    if (deletes) note(entry.path, 'deleted', lower.index, takeBelow(lower, entry.path))
  }
}

/** Hides what is below a path, and gives the files of it that were seen until now. */
function takeBelow({ toc, hidden }: Lower, path: ByteString): readonly FileEntry[] {
  const [from, to] = path === '' ? [0, toc.entries.length] : [lowerBound(toc, `${path}/`), lowerBound(toc, `${path}0`)]
  const taken: FileEntry[] = []
  for (let index = from; index < to; index++) {
    const entry = toc.entries[index] as Entry
    if (entry.kind === 'file' && hidden[index] === 0) taken.push(entry)
    hidden[index] = 1
  }
  return taken
}
