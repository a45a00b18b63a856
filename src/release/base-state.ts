import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { formatReference, parseReference, type Reference } from '../oci/reference.ts'
import type { LocalStore } from '../store/open.ts'
import type { BaseOrigin } from '../store/origins.ts'
import { manifestsOf } from '../store/relatives.ts'

/** Whether a base's name still means what was built on. */
export type BaseState =
  /** It was named by its digest. */
  | { readonly kind: 'pinned' }
  | { readonly kind: 'current' }
  | { readonly kind: 'moved'; readonly now: Digest }
  /** Whoever was asked cannot tell, and why. */
  | { readonly kind: 'unknown'; readonly why: string }

/** As far as the store knows. */
export function storedBaseState(store: LocalStore, { name, digest }: BaseOrigin): BaseState {
  const reference = tagReference(name)
  if (!('registry' in reference)) return reference
  const now = store.images.getTag(formatReference(reference))?.digest
  if (now === undefined) return { kind: 'unknown', why: 'the store has no image of that name' }
  const isSame = now === digest || manifestsOf(store.database, now).includes(digest)
  return isSame ? { kind: 'current' } : { kind: 'moved', now }
}

/** A name that can move, or why there is nothing to look up. */
export function tagReference(name: string): Reference | BaseState {
  try {
    const reference = parseReference(name)
    return reference.digest === undefined ? reference : { kind: 'pinned' }
  } catch (error) {
    if (error instanceof ShaleError) return { kind: 'unknown', why: 'its name is none' }
    throw error
  }
}
