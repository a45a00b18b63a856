import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'

export function incompleteImage(digest: Digest, missing: readonly string[]): ShaleError {
  return new ShaleError('IMAGE_INCOMPLETE', `image ${digest} is incomplete: the store lacks its ${missing.join(', ')}`)
}
