import { type ByteString, type Entry, toByteString } from '../../layer/entry.ts'
import type { CopySource, SourceNode } from './source.ts'

/** A single file that stands in the Dockerfile itself, as COPY <<EOF makes it. */
export function inlineSource(name: string, data: Buffer, now: number): CopySource {
  const path = toByteString(name)
  const root: Entry = { kind: 'directory', path: '', mode: 0o755, uid: 0, gid: 0, mtime: now, mtimeNs: 0 }
  const file: Entry = { ...root, kind: 'file', path, mode: 0o644, size: data.length, digest: '' }
  const lookup = (at: ByteString) => (at === path ? file : at === '' ? root : undefined)
  const node: SourceNode = { path, entry: file, origin: { kind: 'inline', data } }
  return {
    view: { lookup, children: at => (at === '' ? [path] : []) },
    node: at => (at === path ? node : undefined),
    nodes: at => (at === '' ? [node] : []),
    missing: pattern => new Error(`no here-document ${pattern}`),
  }
}
