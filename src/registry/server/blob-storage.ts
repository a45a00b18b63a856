import type { Digest, DigestAlgorithm } from '../../oci/digest.ts'
import type { BlobInfo } from '../../store/types.ts'

/** A blob that is open: what it gives stays, even when the blob is deleted meanwhile. */
export interface OpenBlob {
  /** Bytes. */
  readonly size: number
  /**
   * From `start` up to, not including, `end`, once. Each chunk is good until the next is asked for. It is not verified:
   * who downloads a blob does that.
   */
  read(start: number, end: number): AsyncIterable<Uint8Array>
  /** Idempotent; reading to the end does not close. */
  close(): Promise<void>
}

export interface BlobReader {
  /** Bytes; undefined when it is not there. */
  size(digest: Digest): Promise<number | undefined>
  open(digest: Digest): Promise<OpenBlob | undefined>
  /** Whole and verified, for documents. Throws `BLOB_MISSING`, `BLOB_DAMAGED`, `DOCUMENT_TOO_LARGE`. */
  document(digest: Digest, limit: number): Promise<Buffer>
}

/** An upload that is going on, in any process. */
export interface UploadState {
  readonly id: string
  readonly repository: string
  /** Bytes that have arrived. */
  readonly size: number
}

export interface Chunk {
  /** Where it begins; must be the upload's size. Undefined: wherever that is. */
  readonly offset?: number | undefined
  /** Each chunk is good until the next is asked for. */
  readonly body: AsyncIterable<Uint8Array>
  /** Makes `body` throw: called when a newer request takes the upload over. */
  readonly interrupt?: (() => void) | undefined
  /** The most bytes that the whole upload may have. */
  readonly limit: number
  /** Of the digest that the upload will be finished with, where that is known: bytes are hashed as they come. */
  readonly algorithm?: DigestAlgorithm | undefined
}

/** `busy`: another process is writing. `offset`: the chunk does not begin at `size`. */
export type Appended =
  | { readonly kind: 'appended' | 'offset'; readonly size: number }
  | { readonly kind: 'unknown' | 'busy' | 'too-large' }

export type Finished =
  | { readonly kind: 'finished'; readonly blob: BlobInfo }
  /** The content has another digest; the upload is gone. */
  | { readonly kind: 'mismatch'; readonly digest: Digest }
  | { readonly kind: 'unknown' | 'busy' }

/**
 * Uploads that go on over requests and processes. One request writes at a time: in one process the newest takes over
 * from the one before it, so that a client that lost its connection need not wait.
 */
export interface BlobUploads {
  begin(repository: string): Promise<UploadState>
  state(repository: string, id: string): Promise<UploadState | undefined>
  /** What arrives before `body` throws is kept, and the error is thrown on. Beyond `limit` the upload is given up. */
  append(repository: string, id: string, chunk: Chunk): Promise<Appended>
  /** The blob is on the disk when this returns, and collection leaves it alone for the grace period. */
  finish(repository: string, id: string, digest: Digest): Promise<Finished>
  cancel(repository: string, id: string): Promise<boolean>
  /** Gives up uploads in which nothing has happened since `before` (ms since 1970); how many. */
  expire(before: number): Promise<number>
}

/** Where the bytes are. A blob is protected for the grace period from when it was written; then metadata must link it. */
export interface BlobStorage extends BlobReader {
  readonly uploads: BlobUploads
  /** Idempotent, and on the disk when it returns. The caller has verified the digest. */
  put(bytes: Uint8Array, digest: Digest): Promise<void>
}
