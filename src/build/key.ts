import { createHash } from 'node:crypto'
import type { Digest } from '../oci/digest.ts'
import type { Ingredient } from '../store/types.ts'

/** Changes when the meaning of keys changes, so that old records are no longer found. */
const KEY_VERSION = '1'

/** The key of a step: a digest over its kind and all of its ingredients, in order, unambiguously encoded. */
export function stepKey(kind: string, ingredients: readonly Ingredient[]): Digest {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([KEY_VERSION, kind]))
  for (const { name, value } of ingredients) hash.update(JSON.stringify([name, value]))
  return `sha256:${hash.digest('hex')}`
}

/** The identity of a chain of layers: that of the chain below and the content ID of the topmost, times left out. */
export function nextChainId(below: Digest | '', contentId: Digest): Digest {
  return `sha256:${createHash('sha256').update(`${below}\n${contentId}`).digest('hex')}`
}

/** The chain ID of no layers at all. */
export const EMPTY_CHAIN: Digest = `sha256:${createHash('sha256').update('').digest('hex')}`
