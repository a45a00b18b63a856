import type { ByteString, Entry } from '../layer/entry.ts'
import { findEntry, lowerBound, type Toc } from '../layer/toc.ts'

/** A tree of files that can be looked at without unpacking or mounting anything. Paths as in layer/entry. */
export interface FileView {
  /** What is at the path; a symlink is not followed. The root is a directory, always. */
  lookup(path: ByteString): Entry | undefined
  /** Names of what is directly in the directory, in byte order; empty for what is no directory. */
  children(path: ByteString): readonly ByteString[]
}

/** An entry and the layer that it comes from (index into the chain, 0 is the lowest). */
export interface Located {
  readonly entry: Entry
  readonly layer: number
}

/** A chain of layers seen as one file system: whiteouts and opaque directories applied. */
export interface LayeredView extends FileView {
  readonly layers: readonly Toc[]
  locate(path: ByteString): Located | undefined
}

const IMPLIED = { kind: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: 0, mtimeNs: 0 } as const

/** The view of layers given from the lowest to the topmost. */
export function layeredView(layers: readonly Toc[]): LayeredView {
  const view: LayeredView = {
    layers,
    locate: path => locate(layers, path),
    lookup: path => locate(layers, path)?.entry,
    children: path => childNames(view, path),
  }
  return view
}

function locate(layers: readonly Toc[], path: ByteString): Located | undefined {
  for (let layer = layers.length - 1; layer >= 0; layer--) {
    const toc = layers[layer] as Toc
    const entry = findEntry(toc, path)
    if (entry !== undefined) return entry.kind === 'whiteout' ? undefined : { entry, layer }
    if (isImplied(toc, path)) return { entry: impliedDirectory(layers, layer, path), layer }
    if (hidesBelow(toc, path)) return undefined
  }
  return path === '' ? { entry: { ...IMPLIED, path }, layer: 0 } : undefined
}

/** A directory without an entry of its own in this layer takes its attributes from a layer below. */
function impliedDirectory(layers: readonly Toc[], layer: number, path: ByteString): Entry {
  const lower = locate(layers.slice(0, layer), path)?.entry
  return lower?.kind === 'directory' ? lower : { ...IMPLIED, path }
}

function isImplied(toc: Toc, path: ByteString): boolean {
  if (path === '') return false
  const prefix = `${path}/`
  const entry = toc.entries[lowerBound(toc, prefix)]
  return entry !== undefined && entry.kind !== 'whiteout' && entry.path.startsWith(prefix)
}

/** True when this layer removes or replaces a directory on the way to `path`, so that lower layers do not show. */
function hidesBelow(toc: Toc, path: ByteString): boolean {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const above = findEntry(toc, path.slice(0, slash))
    if (above !== undefined && (above.kind !== 'directory' || above.opaque)) return true
  }
  const root = toc.entries[0]
  return path !== '' && root?.path === '' && root.kind === 'directory' && root.opaque === true
}

function childNames(view: LayeredView, path: ByteString): readonly ByteString[] {
  if (view.lookup(path)?.kind !== 'directory') return []
  const prefix = path === '' ? '' : `${path}/`
  const names = new Set<ByteString>()
  for (const toc of view.layers) collectNames(toc, prefix, names)
  return [...names].filter(name => view.lookup(prefix + name) !== undefined).sort()
}

/** Adds the names directly below `prefix`, jumping over what is deeper. */
function collectNames(toc: Toc, prefix: ByteString, names: Set<ByteString>): void {
  let index = lowerBound(toc, prefix)
  for (let entry = toc.entries[index]; entry?.path.startsWith(prefix); entry = toc.entries[index]) {
    const slash = entry.path.indexOf('/', prefix.length)
    if (slash < 0) {
      if (entry.path.length > prefix.length) names.add(entry.path.slice(prefix.length))
      index++
    } else {
      names.add(entry.path.slice(prefix.length, slash))
      index = lowerBound(toc, `${entry.path.slice(0, slash)}0`)
    }
  }
}
