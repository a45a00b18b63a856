/** One file of an archive that is being made. */
export interface ArchiveItem {
  /** Relative: `blobs/sha256/…`. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Exactly `size` bytes; called once at most. */
  open(): AsyncIterable<Uint8Array>
}

export function bytesItem(path: string, bytes: Uint8Array): ArchiveItem {
  return {
    path,
    size: bytes.byteLength,
    async *open() {
      yield bytes
    },
  }
}

export function jsonItem(path: string, value: unknown): ArchiveItem {
  return bytesItem(path, Buffer.from(JSON.stringify(value)))
}
