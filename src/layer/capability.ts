import type { ByteString } from './entry.ts'

const REVISION_2 = 0x02
const REVISION_3 = 0x03
const SIZE_2 = 20
const SIZE_3 = 24

/**
 * A `security.capability` value in revision 2. What root of a user namespace sets, the kernel stores as revision 3 with
 * the namespace's root as owner; in an image, which is of no namespace, only revision 2 means the same everywhere.
 * Source: capabilities(7), "File capability extended attribute versioning".
 */
export function capabilityVersion2(value: ByteString): ByteString {
  if (value.length !== SIZE_3 || value.charCodeAt(3) !== REVISION_3) return value
  return value.slice(0, 3) + String.fromCharCode(REVISION_2) + value.slice(4, SIZE_2)
}
