import { ShaleError } from '../error.ts'
import { familiarReference, formatReference, parseReference, type Reference } from '../oci/reference.ts'
import { findImage } from '../store/resolve.ts'
import { checkExpected } from '../store/tags.ts'
import type { Store } from '../store/types.ts'
import type { MovedTag } from './tag-move.ts'
import { missingContent } from './whole-image.ts'

export interface PromoteOptions {
  /** The image that is promoted: a name, in the store also an ID. */
  readonly source: string
  /** A name with a tag, or only a tag: then of the source's repository. */
  readonly target: string
  /** What the target must point at: a digest, the beginning of one, or `none`; anything if absent. */
  readonly expect?: string | undefined
}

/**
 * Gives the same image one more tag in the store. Throws `IMAGE_NOT_FOUND`, `IMAGE_GONE` when parts of it are not in the
 * store, `INVALID_TAG`, `INVALID_DIGEST`, and `TAG_MOVED` when the target is not where it was expected, or moves
 * meanwhile.
 */
export async function promote(store: Store, { source, target, expect }: PromoteOptions): Promise<MovedTag> {
  checkExpectation(expect)
  const image = findImage(store, source)
  if (image === undefined) {
    throw new ShaleError('IMAGE_NOT_FOUND', `No such image: ${source}`, {
      hint: 'to move a tag in a registry, without the image here, add --registry',
    })
  }
  const name = formatReference(targetReference(image.name === undefined ? undefined : parseReference(source), target))
  const from = store.images.getTag(name)?.digest
  checkExpected(name, from, expect)
  const gone = await missingContent(store, image.id)
  if (gone !== undefined) {
    throw new ShaleError('IMAGE_GONE', `cannot promote ${source}: ${gone}`, { hint: 'build or pull it again' })
  }
  store.images.tag(name, image.id, { why: 'promote', expected: from ?? 'none' })
  return { name, from, to: image.id }
}

/** Throws `INVALID_DIGEST` for what no digest begins with. */
export function checkExpectation(expect: string | undefined): void {
  if (expect === undefined || expect === 'none' || /^(?:sha256:|sha512:)?[0-9a-f]{4,128}$/.test(expect)) return
  throw new ShaleError('INVALID_DIGEST', `--expect takes a digest or none, not ${JSON.stringify(expect)}`, {
    hint: 'at least the first four digits of what the tag points at; none when it must not be there yet',
  })
}

/** The complete name of a target: a bare word is a tag of the source's repository. Throws `INVALID_TAG`. */
export function targetReference(source: Reference | undefined, target: string): Reference {
  if (/[/:@]/.test(target)) {
    const reference = parseReference(target)
    if (reference.digest === undefined) return reference
    throw new ShaleError('INVALID_TAG', `${target} names an image by its digest, which never moves`, {
      hint: 'name a tag: prod, or app:prod',
    })
  }
  if (source === undefined) {
    throw new ShaleError('INVALID_TAG', `${target} is a tag, and an ID tells no repository for it`, {
      hint: `write the whole name: app:${target}`,
    })
  }
  const { registry, repository } = source
  return parseReference(`${registry}/${repository}:${target}`)
}

/** A name as people read it: `app:prod`. */
export function shownName(name: string): string {
  return familiarReference(parseReference(name))
}
