import { createHash } from 'node:crypto'
import type { FrameCodec } from './frame-codec.ts'
import type { DoneFrame, FrameCrew, FrameWork } from './frame-crew.ts'
import { type FrameMemory, frameMemory } from './frame-task.ts'
import type { FrameSize } from './frames.ts'

export type Sink = (chunk: Uint8Array) => void | Promise<void>

/** Who laid a frame out. */
export interface FrameOwner {
  /** Called in order of the frames, before the frame's memory is used again. */
  completed(frame: DoneFrame): void
  /** Says what a failure means. */
  failed(error: unknown): unknown
}

interface Pending {
  readonly work: FrameWork
  readonly done: Promise<DoneFrame>
  readonly owner: FrameOwner
}

/**
 * Has frames completed by a crew and hands them to the sink in order, hashing plain and compressed bytes as they pass.
 * Memory stays below the crew's width in frames and their compressed forms.
 */
export class FramePipe {
  readonly #codec: FrameCodec
  readonly #crew: FrameCrew
  readonly #sink: Sink
  readonly #pending: Pending[] = []
  readonly #free: FrameMemory[] = []
  readonly #plain = createHash('sha256')
  readonly #blob = createHash('sha256')
  readonly #frames: FrameSize[] = []
  #size = 0

  constructor(codec: FrameCodec, crew: FrameCrew, sink: Sink) {
    this.#codec = codec
    this.#crew = crew
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

  /** For a frame to be pushed: that of an earlier one, if there is any. */
  memory(): FrameMemory {
    return this.#free.pop() ?? frameMemory()
  }

  /** Gives a frame to the crew; waits when too many are under way. */
  async push(work: FrameWork, owner: FrameOwner): Promise<void> {
    const done = this.#crew.complete(work)
    // A failure is thrown where the frame is awaited, in order; until then it must not count as unhandled.
    done.catch(() => {})
    this.#pending.push({ work, done, owner })
    while (this.#pending.length >= this.#crew.width) await this.#writeOldest()
  }

  /** Writes all that is under way, and the codec's tail. Gives the digest of the plain bytes in hex. */
  async drain(): Promise<string> {
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
    const frame = await oldest.done.catch(error => {
      throw oldest.owner.failed(error)
    })
    const { plain, compressed } = frame
    this.#plain.update(plain)
    this.#codec.observe(plain)
    oldest.owner.completed(frame)
    this.#frames.push({ content: plain.length, compressed: compressed.length })
    await this.write(compressed)
    if (!this.#codec.keepsFrames) this.#free.push(oldest.work.plain)
  }
}
