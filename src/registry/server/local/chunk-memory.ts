/** Written to or read from a file at once, in bytes. */
export const CHUNK_BYTES = 256 * 1024
/** More than this many chunks are not kept for later. */
const MAX_KEPT = 32

const kept: Buffer[] = []

/**
 * Memory of `CHUNK_BYTES`, with whatever is in it. Fresh memory for each chunk would cost more than reading it: pages to
 * clear, and garbage to collect. Who takes it gives it back when nothing reads or writes it any more.
 */
export function takeChunk(): Buffer {
  return kept.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)
}

export function giveChunk(chunk: Buffer): void {
  if (kept.length < MAX_KEPT) kept.push(chunk)
}
