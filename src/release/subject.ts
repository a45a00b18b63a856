import { ShaleError } from '../error.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { formatReference, parseReference, type Reference } from '../oci/reference.ts'
import type { LocalStore } from '../store/open.ts'
import { imagesEver, knowsManifest } from '../store/relatives.ts'
import { findImage } from '../store/resolve.ts'
import { shownName } from './promote.ts'

/** What a question is about. */
export type Subject =
  | {
      readonly kind: 'image'
      readonly id: Digest
      readonly name?: string | undefined
      /** The digest that was asked for, when it is that of the image in another compression. */
      readonly variant?: Digest | undefined
    }
  /** Its tags' history is known, itself not any more. */
  | { readonly kind: 'gone'; readonly id: Digest }
  | { readonly kind: 'elsewhere'; readonly reference: Reference }

/**
 * Finds what a text means in the store: a name, an image ID or its beginning, the digest of a manifest in an index, of a
 * config, of what a push made in another compression, or of an image that was there once. A name that has its registry in it and is not here is elsewhere. Throws
 * `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`.
 */
export function findSubject(store: LocalStore, text: string): Subject {
  const image = findImage(store, text)
  if (image !== undefined) return { kind: 'image', ...image }
  const reference = tryReference(text)
  const digest = isDigest(text) ? text : reference?.digest
  const inner = digest === undefined ? undefined : innerImage(store, digest)
  if (inner !== undefined) return { kind: 'image', id: inner }
  const ever =
    digest !== undefined && store.variants.find(digest) ? [digest] : imagesEver(store.database, digest ?? text)
  const [gone] = ever
  const original = gone === undefined || ever.length > 1 ? undefined : store.variants.find(gone)?.original
  if (original !== undefined) return { kind: 'image', id: original, variant: gone }
  if (gone !== undefined && ever.length === 1) return { kind: 'gone', id: gone }
  if (ever.length > 1) {
    throw new ShaleError('IMAGE_AMBIGUOUS', `${ever.length} images that were here once begin with ${text}`, {
      hint: `write more of it: ${ever.slice(0, 3).join(', ')}`,
    })
  }
  if (reference !== undefined && namesRegistry(text)) return { kind: 'elsewhere', reference }
  throw notFound(store, text, reference)
}

function innerImage(store: LocalStore, digest: Digest): Digest | undefined {
  return knowsManifest(store.database, digest) ? digest : store.images.findByConfig(digest)[0]
}

function tryReference(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch (error) {
    if (error instanceof ShaleError) return undefined
    throw error
  }
}

/** `registry.example.com/app`, `localhost:5000/app`: who writes the host means that registry. */
function namesRegistry(text: string): boolean {
  const first = text.split('/')[0] ?? ''
  return text.includes('/') && (first === 'localhost' || /[.:]/.test(first))
}

function notFound(store: LocalStore, text: string, reference: Reference | undefined): ShaleError {
  const message = `No such image: ${text}`
  if (reference === undefined || reference.digest !== undefined) return new ShaleError('IMAGE_NOT_FOUND', message)
  const name = formatReference(reference)
  const [last] = store.images.tagHistory(name)
  const hint =
    last?.previous === undefined
      ? `--registry asks ${reference.registry} for it`
      : `it pointed at ${last.previous} until ${new Date(last.at).toISOString()}: shale tags log ${shownName(name)}`
  return new ShaleError('IMAGE_NOT_FOUND', message, { hint })
}
