import type { Digest } from '../../oci/digest.ts'
import type { BlobReader } from './blob-storage.ts'

const MAX_BYTES = 16 * 2 ** 20
const MAX_ENTRY_BYTES = 2 ** 20

/** Bytes of the manifests that were asked for last. Content never changes under its digest, so nothing gets stale. */
export class ManifestCache {
  readonly #blobs: BlobReader
  readonly #entries = new Map<Digest, Buffer>()
  #bytes = 0

  constructor(blobs: BlobReader) {
    this.#blobs = blobs
  }

  /** What is in memory already. */
  peek(digest: Digest): Buffer | undefined {
    const known = this.#entries.get(digest)
    if (known === undefined) return undefined
    this.#entries.delete(digest)
    this.#entries.set(digest, known)
    return known
  }

  /** Read and verified. Throws as `BlobReader.document`. */
  async load(digest: Digest, limit: number): Promise<Buffer> {
    const bytes = await this.#blobs.document(digest, limit)
    if (bytes.byteLength <= MAX_ENTRY_BYTES && !this.#entries.has(digest)) {
      this.#entries.set(digest, bytes)
      this.#bytes += bytes.byteLength
      this.#shrink()
    }
    return bytes
  }

  #shrink(): void {
    for (const [digest, bytes] of this.#entries) {
      if (this.#bytes <= MAX_BYTES) return
      this.#entries.delete(digest)
      this.#bytes -= bytes.byteLength
    }
  }
}
