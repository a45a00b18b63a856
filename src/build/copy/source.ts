import type { ByteString } from '../../layer/entry.ts'
import type { FileView } from '../../rootfs/view.ts'
import type { LayerRecord } from '../../store/types.ts'

/** Where a planned file's bytes are. */
export type Origin =
  | { readonly kind: 'host'; readonly path: string | Buffer; readonly stat?: HostStat | undefined }
  | { readonly kind: 'inline'; readonly data: Buffer }
  /** A file of a layer, at its path there. */
  | { readonly kind: 'layer'; readonly record: LayerRecord; readonly path: ByteString }

/** What the stat index needs to know a file again; nanoseconds as bigint. */
export interface HostStat {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly mode: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** What COPY and ADD read from: the build context, an image or a stage. */
export interface CopySource {
  readonly view: FileView
  /** Where the bytes of the file at `path` (an entry of kind file or hardlink) are. */
  origin(path: ByteString): Origin
  /** Names of one file share a group; undefined for a file with one name. */
  linkGroup(path: ByteString): string | undefined
  /** The error for a source that is not there, as helpful as the source can make it. */
  missing(pattern: string): Error
}
