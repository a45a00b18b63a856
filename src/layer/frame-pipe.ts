import { createHash } from 'node:crypto'
import type { TarEntry } from '../tar/header.ts'
import { writeHeader } from '../tar/write.ts'
import type { FrameCodec } from './frame-codec.ts'
import { FRAME, type FrameSize } from './frames.ts'

export type Sink = (chunk: Uint8Array) => void | Promise<void>

/** Enough to keep libuv's four threads busy while the main thread fills the next frame. */
const IN_FLIGHT = 8

interface Pending {
  readonly frame: Buffer
  readonly content: number
  readonly compressed: Promise<Buffer>
}

/**
 * Collects bytes into frames, compresses several frames at the same time and hands the results to the sink in order.
 * Memory stays below `IN_FLIGHT + 1` frames and their compressed forms.
 */
export class FramePipe {
  readonly #codec: FrameCodec
  readonly #sink: Sink
  readonly #pending: Pending[] = []
  readonly #free: Buffer[] = []
  readonly #plain = createHash('sha256')
  readonly #blob = createHash('sha256')
  readonly #frames: FrameSize[] = []
  #size = 0
  /** The frame being filled, and how much of it is. One byte of room is left for readers that look for a file's end. */
  buffer: Buffer = Buffer.allocUnsafeSlow(FRAME.max + 1)
  used = 0

  constructor(codec: FrameCodec, sink: Sink) {
    this.#codec = codec
    this.#sink = sink
  }

  get frames(): readonly FrameSize[] {
    return this.#frames
  }

  /** Bytes of blob so far; whole after `drain`. */
  get size(): number {
    return this.#size
  }

  async start(): Promise<void> {
    if (this.#codec.head.length > 0) await this.write(this.#codec.head)
  }

  header(entry: TarEntry): void {
    this.used += writeHeader(entry, this.buffer, this.used)
  }

  append(bytes: Uint8Array): void {
    this.buffer.set(bytes, this.used)
    this.used += bytes.length
  }

  /** Closes the current frame; waits when too many are in flight. */
  async cut(): Promise<void> {
    if (this.used === 0) return
    const { buffer } = this
    const frame = buffer.subarray(0, this.used)
    this.#plain.update(frame)
    this.#codec.observe(frame)
    const compressed = this.#codec.compress(frame)
    // A failure is thrown where the frame is awaited, in order; until then it must not count as unhandled.
    compressed.catch(() => {})
    this.#pending.push({ frame: buffer, content: this.used, compressed })
    this.used = 0
    while (this.#pending.length >= IN_FLIGHT) await this.#writeOldest()
    this.buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(FRAME.max + 1)
  }

  /** Closes the last frame, writes all, and the codec's tail. Gives the digest of the plain bytes in hex. */
  async drain(): Promise<string> {
    await this.cut()
    while (this.#pending.length > 0) await this.#writeOldest()
    const tail = this.#codec.tail()
    if (tail.length > 0) await this.write(tail)
    return this.#plain.digest('hex')
  }

  /** Appends to the blob what is no frame. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#blob.update(bytes)
    this.#size += bytes.length
    await this.#sink(bytes)
  }

  /** Digest of the blob in hex; the pipe has ended. */
  blobDigest(): string {
    return this.#blob.digest('hex')
  }

  async #writeOldest(): Promise<void> {
    const oldest = this.#pending.shift()
    if (oldest === undefined) return
    const compressed = await oldest.compressed
    if (!this.#codec.keepsFrames) this.#free.push(oldest.frame)
    this.#frames.push({ content: oldest.content, compressed: compressed.length })
    await this.write(compressed)
  }
}
