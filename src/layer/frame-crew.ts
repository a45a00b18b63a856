import { availableParallelism } from 'node:os'

import { Worker } from 'node:worker_threads'
import type { Compression } from '../oci/media-types.ts'
import { frameCodec } from './frame-codec.ts'
import { copyFrame, type FileFailure, type FrameCopy, FrameError, type FrameTask, fillFrame } from './frame-task.ts'

export interface CrewOptions {
  readonly compression: Compression
  readonly level: number
}

/** A frame to be filled and compressed, or one that is there. */
export type FrameWork = FrameTask | FrameCopy

export interface DoneFrame {
  /** The frame's bytes of tar, in the memory that came with it. */
  readonly plain: Uint8Array
  /** As the task's, with those of whole files filled in; '' of a copied frame. */
  readonly digests: string
  /** The plain bytes themselves when nothing is compressed. */
  readonly compressed: Uint8Array
}

/** Fills frames and compresses them, several at a time; they may end in another order than they began. */
export interface FrameCrew {
  /** Frames that may be under way at once for all hands to be busy. */
  readonly width: number
  /** Throws `FrameError`. The work's memory is the crew's until then. */
  complete(work: FrameWork): Promise<DoneFrame>
  close(): Promise<void>
}

/** Layers with less content than this, in bytes, are not worth the 40 ms that a thread takes to start. */
const WORTH_THREADS = 24 * 1024 * 1024
/** Beyond this the main thread, which hashes all bytes in order, is what one waits for. */
const MAX_THREADS = 6

export function isWorthThreads(contentSize: number): boolean {
  return contentSize >= WORTH_THREADS
}

export function frameCrew(options: CrewOptions, contentSize: number): FrameCrew {
  return isWorthThreads(contentSize) ? threadCrew(options) : localCrew(options)
}

/** Reads on this thread, compresses on libuv's. */
export function localCrew({ compression, level }: CrewOptions): FrameCrew {
  const codec = frameCodec(compression, level)
  return {
    width: 8,
    complete: async work => {
      const plain = bytesOf(work)
      if (work.kind === 'copy') return { plain, digests: '', compressed: copyFrame(work) }
      const digests = fillFrame(work)
      return { plain, digests, compressed: await codec.compress(plain) }
    },
    close: async () => {},
  }
}

function bytesOf(work: FrameWork): Buffer {
  return Buffer.from(work.plain, 0, work.kind === 'task' ? work.used : work.content)
}

/** What a thread gives back. */
export type ThreadAnswer =
  | { readonly digests: string; readonly compressed?: ArrayBuffer; readonly length?: number }
  | { readonly failure: FileFailure }

const THREAD = new URL(import.meta.url.endsWith('.ts') ? './frame-thread.ts' : './frame-thread.cjs', import.meta.url)

/** Reads and compresses on threads of their own, which leaves this one to hash and write. */
export function threadCrew(options: CrewOptions, threads = usualThreads()): FrameCrew {
  const hands = Array.from({ length: threads }, () => new Hand(options))
  return {
    width: 3 * threads,
    complete: work => hands.reduce((a, b) => (b.load < a.load ? b : a)).complete(work),
    close: async () => {
      await Promise.all(hands.map(hand => hand.close()))
    },
  }
}

function usualThreads(): number {
  return Math.min(MAX_THREADS, Math.max(2, availableParallelism()))
}

interface Waiting {
  readonly work: FrameWork
  readonly resolve: (frame: DoneFrame) => void
  readonly reject: (error: unknown) => void
}

/** One thread; it answers in the order of its tasks. */
class Hand {
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []

  constructor(options: CrewOptions) {
    this.#worker = new Worker(THREAD, { workerData: options, name: 'frames' })
    this.#worker.on('message', (answer: ThreadAnswer) => this.#answered(answer))
    this.#worker.on('error', error => this.#failed(error))
    this.#worker.on('exit', () => this.#failed(new Error('a packing thread ended early')))
  }

  get load(): number {
    return this.#waiting.length
  }

  complete(work: FrameWork): Promise<DoneFrame> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, resolve, reject })
      this.#worker.postMessage(work)
    })
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #answered(answer: ThreadAnswer): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) return
    if ('failure' in answer) waiting.reject(new FrameError(answer.failure))
    else waiting.resolve(frameOf(waiting.work, answer))
  }

  #failed(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}

function frameOf(work: FrameWork, answer: Exclude<ThreadAnswer, { failure: FileFailure }>): DoneFrame {
  const plain = bytesOf(work)
  const { digests, compressed, length } = answer
  return { plain, digests, compressed: compressed === undefined ? plain : new Uint8Array(compressed, 0, length) }
}
