import type { Digest } from '../oci/digest.ts'

/** A tag that was pointed at an image. */
export interface MovedTag {
  /** Complete name: `docker.io/library/app:prod`. */
  readonly name: string
  /** Undefined when the tag was not there. */
  readonly from: Digest | undefined
  /** The same as `from` when the tag was there already. */
  readonly to: Digest
}
