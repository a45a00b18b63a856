import type { ByteString } from '../layer/entry.ts'
import type { Toc } from '../layer/toc.ts'
import { type LayeredView, layeredView } from '../rootfs/view.ts'
import { containerFolder } from './folder.ts'
import type { ContainerTools } from './with-container.ts'

/** docker's letters: added, changed, deleted. */
export interface Change {
  readonly kind: 'A' | 'C' | 'D'
  /** Without the leading slash. */
  readonly path: ByteString
}

/** What the container has written compared to its image, as a layer on top of it. Mounts are no part of it. */
export function changedFiles({ store, row, image, layers, worker }: ContainerTools): Promise<Toc> {
  const { upper } = containerFolder(store, row.id)
  return worker.diff({ upper, below: layers.tocPaths(image.state.layers) })
}

/** The same as a list of paths in order. What a replaced folder hid is deleted. */
export async function containerChanges(tools: ContainerTools): Promise<readonly Change[]> {
  const toc = await changedFiles(tools)
  return changesOf(await tools.layers.view(tools.image.state.layers), toc)
}

export function changesOf(below: LayeredView, toc: Toc): readonly Change[] {
  const above = layeredView([...below.layers, toc])
  return toc.entries
    .filter(({ path }) => path !== '')
    .flatMap((entry): readonly Change[] => {
      const { path, kind } = entry
      if (kind === 'whiteout') return [{ kind: 'D', path }]
      const known = below.lookup(path) !== undefined
      const hidden = kind === 'directory' && entry.opaque === true ? below.children(path) : []
      const gone = hidden.map(name => `${path}/${name}`).filter(each => above.lookup(each) === undefined)
      return [{ kind: known ? 'C' : 'A', path }, ...gone.map(each => ({ kind: 'D', path: each }) as const)]
    })
}
