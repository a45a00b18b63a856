import type { ByteString } from '../layer/entry.ts'
import type { PackedLayer } from '../layer/pack.ts'
import type { LayerExpectation } from '../layer/read.ts'
import type { Digest } from '../oci/digest.ts'
import type { Compression } from '../oci/media-types.ts'

/*
 * What the helper does with layers. Tables of contents go from process to process as files in their binary form
 * (layer/toc-codec); `toc` and `below` are absolute paths of such files. A table that comes out is written to `tocOut`.
 */

/** Where files' contents are: the longest `prefix` (a path in the layer, `''` for all) that covers a file decides. */
export type ContentSource =
  | {
      readonly prefix: ByteString
      /** Absolute host path, as bytes, of what `prefix` stands for; what follows the prefix is appended. */
      readonly path: ByteString
    }
  | { readonly prefix: ByteString; readonly bytes: Uint8Array }

export interface ApplyRequest {
  readonly blob: string
  readonly compression: Compression
  readonly expected?: LayerExpectation
  /** Empty folder of a tree. */
  readonly folder: string
  /** Tables of the layers below, lowest first: they tell the attributes of directories that the layer only implies. */
  readonly below?: readonly string[]
  readonly tocOut: string
}

export interface WriteTreeRequest {
  readonly toc: string
  readonly sources: readonly ContentSource[]
  readonly folder: string
  readonly below?: readonly string[]
  /** Same table with all digests filled in. */
  readonly tocOut?: string
}

export interface DiffRequest {
  readonly upper: string
  readonly below: readonly string[]
  /** Paths in the layer that are left out with all that is in them. */
  readonly skip?: readonly ByteString[]
  readonly tocOut: string
}

export interface TocStats {
  readonly entries: number
  /** Sum of the files' sizes in bytes. */
  readonly unpackedSize: number
}

export interface AppliedLayer extends TocStats {
  readonly diffId: Digest
}

export interface PackRequest {
  readonly toc: string
  readonly sources: readonly ContentSource[]
  readonly compression: Compression
  readonly level?: number
  readonly epoch?: number
  /** The blob is written to this file, which must not exist. */
  readonly out: string
  readonly tocOut?: string
}

export type PackResult = Omit<PackedLayer, 'toc'>

export interface ReadFileRequest {
  /** Tree or upper folder. */
  readonly root: string
  /** Path beneath it; symbolic links are followed as if `root` were the root. */
  readonly path: string
  /** Most bytes; `FILE_TOO_LARGE` beyond. Default 16 MiB. */
  readonly limit?: number
}
