import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'

/**
 * What moving an image tells while it goes on. `waiting` comes once for every layer, in the manifest's order; then
 * `exists` or `mounted`, or any number of `moving` and one `done`.
 */
export type TransferEvent =
  | {
      readonly kind: 'manifest'
      readonly digest: Digest
      readonly mediaType: string
      readonly platform?: Platform | undefined
    }
  | LayerEvent
  | { readonly kind: 'warning'; readonly message: string }
  /** For who looks for the cause of something: which mirror answered, what was taken up again. */
  | { readonly kind: 'detail'; readonly message: string }

export interface LayerEvent {
  readonly kind: 'layer'
  readonly digest: Digest
  readonly state: 'waiting' | 'exists' | 'mounted' | 'moving' | 'done'
  /** Bytes moved so far, of `size`. */
  readonly moved: number
  readonly size: number
  /** The repository that a mounted layer came from. */
  readonly from?: string | undefined
}

export type OnTransferEvent = (event: TransferEvent) => void
