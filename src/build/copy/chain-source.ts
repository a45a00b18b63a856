import { nearest } from '../../dockerfile/nearest.ts'
import { ShaleError } from '../../error.ts'
import { type ByteString, type Entry, fromByteString, parentPath, toByteString } from '../../layer/entry.ts'
import { findEntry, type Toc } from '../../layer/toc.ts'
import type { LayeredView, Located } from '../../rootfs/view.ts'
import type { ChainLayer } from '../stage-state.ts'
import { below, type CopySource, type SourceNode } from './source.ts'

/** A stage or an image as a source of COPY --from; `name` is what the Dockerfile calls it. */
export function chainSource(layers: readonly ChainLayer[], view: LayeredView, name: string): CopySource {
  const file = (path: ByteString): Located | undefined => {
    const located = view.locate(path)
    return located === undefined ? undefined : { ...located, entry: resolveHardlink(view.layers, located) }
  }
  const node = (path: ByteString): SourceNode | undefined => {
    const located = file(path)
    if (located === undefined) return undefined
    const { entry, layer } = located
    if (entry.kind !== 'file') return { path, entry }
    const content = contentPath(view, path)
    const { record } = layers[layer] as ChainLayer
    return { path, entry, group: `${layer}:${content}`, origin: { kind: 'layer', record, path: content } }
  }
  return {
    view: { lookup: path => file(path)?.entry, children: path => view.children(path) },
    node,
    nodes: directory => view.children(directory).map(name => node(below(directory, name)) as SourceNode),
    missing: pattern => missing(view, name, pattern),
  }
}

/** A further name of a file as the file that it is. */
function resolveHardlink(layers: readonly Toc[], { entry, layer }: Located): Entry {
  if (entry.kind !== 'hardlink') return entry
  const file = findEntry(layers[layer] as Toc, entry.target)
  return file?.kind === 'file' ? { ...file, path: entry.path } : entry
}

function contentPath(view: LayeredView, path: ByteString): ByteString {
  const entry = view.locate(path)?.entry
  return entry?.kind === 'hardlink' ? entry.target : path
}

function missing(view: LayeredView, name: string, pattern: string): ShaleError {
  const path = toByteString(pattern.replace(/^\/+/, '').replace(/\/+$/, ''))
  const directory = parentPath(path)
  const near = nearest(
    fromByteString(path.slice(directory === '' ? 0 : directory.length + 1)),
    view.children(directory).map(fromByteString),
  )
  const hint =
    near === undefined
      ? `/${fromByteString(directory)} does not have it`
      : `did you mean /${fromByteString(directory === '' ? near : `${directory}/${near}`)}?`
  return new ShaleError('COPY_SOURCE_NOT_FOUND', `"/${fromByteString(path)}": not found in ${name}`, { hint })
}
