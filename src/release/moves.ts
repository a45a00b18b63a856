import type { Digest } from '../oci/digest.ts'
import type { LocalStore } from '../store/open.ts'
import type { Publication } from '../store/publications.ts'
import { movesTo } from '../store/tags.ts'
import type { Store, TagChange } from '../store/types.ts'

/** A tag that moved: in the store, or in a registry as far as that was done from here. */
export interface Move {
  /** Complete name of the tag. */
  readonly name: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly why: string
  readonly who: string | undefined
  readonly place: 'store' | 'registry'
  readonly from: Digest | undefined
  /** Undefined when the tag was taken away. */
  readonly to: Digest | undefined
}

/** Every move of a tag, newest first. */
export function movesOfTag(store: Store, name: string): readonly Move[] {
  return inOrder(store.images.tagHistory(name), store.publications.ofName(name))
}

/** Every move of any tag to one of these images, newest first. */
export function movesToImages(store: LocalStore, digests: readonly Digest[]): readonly Move[] {
  return inOrder(
    digests.flatMap(digest => movesTo(store.database, digest)),
    digests.flatMap(digest => store.publications.ofImage(digest)),
  )
}

function inOrder(changes: readonly TagChange[], publications: readonly Publication[]): readonly Move[] {
  const own = changes.map(
    ({ name, digest, previous, at, why, who }): Move => ({
      ...{ name, at, why, who, place: 'store', from: previous, to: digest },
    }),
  )
  const published = publications.map(
    ({ name, digest, previous, at, why, who }): Move => ({
      ...{ name, at, why, who, place: 'registry', from: previous, to: digest },
    }),
  )
  return [...own, ...published].sort((a, b) => b.at - a.at)
}
