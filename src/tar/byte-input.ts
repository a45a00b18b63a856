/**
 * Bytes of a stream by number instead of by chunk. What is in memory is given without waiting and without copying;
 * only what lies across chunks is copied.
 */
export class ByteInput {
  readonly #source: AsyncIterator<Uint8Array>
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  #offset = 0
  #ended = false

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Bytes taken since the stream's start. */
  get offset(): number {
    return this.#offset
  }

  /** Exactly `length` bytes if they are in memory. Valid as long as the source's chunks are. */
  take(length: number): Buffer | undefined {
    const end = this.#at + length
    if (end > this.#buffer.length) return undefined
    const bytes = this.#buffer.subarray(this.#at, end)
    this.#at = end
    this.#offset += length
    return bytes
  }

  /** Waits for `length` bytes in memory; false when the stream ends before. */
  async fill(length: number): Promise<boolean> {
    if (this.#buffer.length - this.#at >= length) return true
    const parts = [this.#buffer.subarray(this.#at)]
    let total = parts[0]?.length ?? 0
    while (total < length) {
      const chunk = await this.#pull()
      if (chunk === undefined) break
      parts.push(chunk)
      total += chunk.length
    }
    this.#buffer = parts.length === 2 && parts[0]?.length === 0 ? (parts[1] as Buffer) : Buffer.concat(parts, total)
    this.#at = 0
    return total >= length
  }

  /** Up to `most` bytes in one piece, without copying; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    if (this.#at === this.#buffer.length) {
      const chunk = await this.#pull()
      if (chunk === undefined) return undefined
      this.#buffer = chunk
      this.#at = 0
    }
    return this.take(Math.min(most, this.#buffer.length - this.#at))
  }

  /** Passes over `length` bytes; false when the stream ends before. */
  async skip(length: number): Promise<boolean> {
    let left = length
    while (left > 0) {
      const piece = await this.some(left)
      if (piece === undefined) return false
      left -= piece.length
    }
    return true
  }

  /** Tells the source that no more is wanted. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#source.return?.()
    this.#ended = true
  }

  async #pull(): Promise<Buffer | undefined> {
    while (!this.#ended) {
      const { done, value } = await this.#source.next()
      if (done === true) this.#ended = true
      else if (value.length > 0) return Buffer.from(value.buffer, value.byteOffset, value.length)
    }
    return undefined
  }
}
