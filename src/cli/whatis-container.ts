import { containerNamed } from '../container/find.ts'
import { optionsOf } from '../container/options.ts'
import type { Digest } from '../oci/digest.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { findImage } from '../store/resolve.ts'

/** A container that was asked for, and what became of the name that it was made from. */
export interface AskedContainer {
  readonly row: ContainerRow
  /** As `run` was given it: a name or an ID. */
  readonly image: string
  /** What that means by now, when it is another image or `none` at all. */
  readonly moved: Digest | 'none' | undefined
}

/** As with `inspect`, a container goes before an image of the same name; names with a tag or a slash are images'. */
export function askedContainer(store: LocalStore, text: string): AskedContainer | undefined {
  const row = /[:/@]/.test(text) ? undefined : containerNamed(store, text)
  if (row === undefined) return undefined
  const { image } = optionsOf(row)
  return { row, image, moved: moved(store, row.image, image) }
}

function moved(store: LocalStore, id: Digest, name: string): AskedContainer['moved'] {
  // Part of its own ID cannot have moved, though other images may begin with it by now.
  if (id.startsWith(name) || id.startsWith(`sha256:${name}`)) return undefined
  const now = findImage(store, name)?.id ?? 'none'
  return now === id ? undefined : now
}
