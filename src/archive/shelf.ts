import type { Digest } from '../oci/digest.ts'

/** The files of an archive or folder, by clean path (`blobs/sha256/…`, `manifest.json`), in any order and repeatedly. */
export interface Shelf {
  /** For messages: the archive's path, or `standard input`. */
  readonly name: string
  has(path: string): boolean
  /** Whole. Throws `ARCHIVE_INCOMPLETE` when it is not there, `DOCUMENT_TOO_LARGE` beyond `limit` bytes. */
  read(path: string, limit: number): Promise<Buffer>
  /** Throws `ARCHIVE_INCOMPLETE` when it is not there. */
  stream(path: string): AsyncIterable<Uint8Array>
  /** sha256 and size of a file's bytes. */
  identify(path: string): Promise<{ readonly digest: Digest; readonly size: number }>
  /** A few paths, for messages about an archive that is none. */
  sample(): readonly string[]
}
