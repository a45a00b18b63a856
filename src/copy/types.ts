import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { ContentSource } from '../transfer/content-source.ts'
import type { ImageDocument } from '../transfer/document.ts'

/** Gives content by what points at it. */
export interface Fetcher extends ContentSource {
  /** A manifest or index, verified. Throws `IMAGE_INCOMPLETE`, `NOT_FOUND` or the like when it is not there. */
  document(descriptor: Descriptor): Promise<ImageDocument>
}

/** An image where it is copied from. */
export interface ImageSource extends Fetcher {
  /** The complete name with a tag that it has there, if it has one. */
  readonly imageName?: string | undefined
  /** What its name stands for. */
  resolve(): Promise<ImageDocument>
  /** The manifests whose subject is this one: signatures, SBOMs. */
  referrers(digest: Digest): Promise<readonly Descriptor[]>
}

/** Where an image is copied to. Nothing of it can be seen there by its name before `finish`. */
export interface Pusher {
  /** For messages. */
  readonly name: string
  /**
   * Brings a manifest there and what it refers to, which is fetched unless it is there; or an index, whose manifests were
   * pushed before. Idempotent.
   */
  push(document: ImageDocument, from: Fetcher, signal: AbortSignal): Promise<void>
  /** As `push`, for a manifest that refers to one that was pushed. */
  attach(document: ImageDocument, from: Fetcher, signal: AbortSignal): Promise<void>
  /** Gives the name to a document that was pushed. */
  finish(document: ImageDocument): Promise<void>
}
