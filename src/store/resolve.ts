import { ShaleError } from '../error.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { formatReference, parseReference, type Reference } from '../oci/reference.ts'
import type { ImageStore, Store } from './types.ts'

export interface ResolvedImage {
  readonly id: Digest
  /** Complete name, when the text was a name and not an ID. */
  readonly name?: string | undefined
}

/**
 * Finds the image that a user's text means: a name (`debian`, `debian:trixie`, `debian@sha256:…`), else an ID or the
 * beginning of one, with or without `sha256:`. Throws `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`, `INVALID_REFERENCE`.
 */
export function resolveImage(store: Pick<Store, 'images'>, text: string): ResolvedImage {
  const found = findImage(store, text)
  if (found !== undefined) return found
  // What can be no name is not merely missing: the user is told why.
  parseReference(text)
  throw new ShaleError('IMAGE_NOT_FOUND', `No such image: ${text}`)
}

/** Like `resolveImage`; undefined when there is no such image. */
export function findImage({ images }: Pick<Store, 'images'>, text: string): ResolvedImage | undefined {
  if (isDigest(text)) return images.get(text) && { id: text }
  const reference = tryParse(text)
  const byName = reference && findByName(images, reference)
  return byName ?? findById(images, text)
}

function tryParse(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch (error) {
    if (error instanceof ShaleError) return undefined
    throw error
  }
}

function findByName(images: ImageStore, reference: Reference): ResolvedImage | undefined {
  const name = formatReference(reference)
  if (reference.digest === undefined) {
    const tag = images.getTag(name)
    return tag && { id: tag.digest, name }
  }
  const image = images.get(reference.digest)
  const repository = `${reference.registry}/${reference.repository}`
  const known =
    image?.repoDigests.some(other => other.startsWith(`${repository}@`)) ||
    image?.names.some(other => other.startsWith(`${repository}:`))
  return known ? { id: reference.digest, name } : undefined
}

function findById(images: ImageStore, text: string): ResolvedImage | undefined {
  const ids = images.findByPrefix(text)
  const [id] = ids
  if (ids.length < 2) return id && { id }
  throw new ShaleError('IMAGE_AMBIGUOUS', `ambiguous image ID ${text}: ${ids.length} images begin with it`, {
    hint: `write more of it: ${ids
      .slice(0, 3)
      .map(other => other.slice(0, 'sha256:'.length + 16))
      .join(', ')}`,
  })
}
