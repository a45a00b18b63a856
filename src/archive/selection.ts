import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import { resolveImage } from '../store/resolve.ts'
import type { Store } from '../store/types.ts'

/** An image to save, and the complete names that it is saved under; none when it was chosen by its ID. */
export interface Selected {
  readonly id: Digest
  readonly names: readonly string[]
}

/**
 * The images that a user names, each once, in the order given. A repository without a tag means all its tags, as with
 * docker. Throws `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`.
 */
export function selectImages(store: Store, references: readonly string[]): readonly Selected[] {
  const selected = new Map<Digest, Set<string>>()
  for (const text of references) {
    for (const { id, names } of tagsOf(store, text) ?? [named(store, text)]) {
      selected.set(id, new Set([...(selected.get(id) ?? []), ...names]))
    }
  }
  if (selected.size === 0) throw new ShaleError('NO_IMAGES', 'no image was named to save')
  return [...selected].map(([id, names]) => ({ id, names: [...names] }))
}

function named(store: Store, text: string): Selected {
  const { id, name } = resolveImage(store, text)
  return { id, names: name === undefined || name.includes('@') ? [] : [name] }
}

/** Every tag of a repository that was named without one; undefined when it has none or the text is more than that. */
function tagsOf(store: Store, text: string): readonly Selected[] | undefined {
  if (text.includes('@') || text.lastIndexOf(':') > text.lastIndexOf('/')) return undefined
  const prefix = repositoryPrefix(text)
  if (prefix === undefined) return undefined
  const found = store.images.list().flatMap(({ id, names }) => {
    const matching = names.filter(name => name.startsWith(prefix))
    return matching.length === 0 ? [] : [{ id, names: matching.toSorted() }]
  })
  return found.length === 0 ? undefined : found.toSorted((a, b) => (`${a.names[0]}` < `${b.names[0]}` ? -1 : 1))
}

function repositoryPrefix(text: string): string | undefined {
  try {
    return formatReference(parseReference(text)).replace(/:latest$/, ':')
  } catch (error) {
    if (error instanceof ShaleError) return undefined
    throw error
  }
}
