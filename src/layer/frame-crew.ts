import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { crc32 } from 'node:zlib'
import type { Compression } from '../oci/media-types.ts'
import { frameCodec } from './frame-codec.ts'
import {
  type FileFailure,
  type FilledFrame,
  FrameError,
  type FrameRules,
  type FrameTask,
  fillFrame,
} from './frame-task.ts'

export interface CrewOptions {
  readonly compression: Compression
  readonly level: number
  readonly rules: FrameRules
}

export interface DoneFrame extends Omit<FilledFrame, 'reused'> {
  /** The plain bytes themselves when nothing is compressed. */
  readonly compressed: Uint8Array
  /** crc32 of the compressed bytes; 0 of a frame that has no id. */
  readonly crc: number
}

/** Fills frames and compresses them, several at a time; they may end in another order than they began. */
export interface FrameCrew {
  /** Frames that may be under way at once for all hands to be busy. */
  readonly width: number
  /** Throws `FrameError`. The task's `plain` is the crew's until then. */
  complete(task: FrameTask): Promise<DoneFrame>
  close(): Promise<void>
}

/** Layers with less content than this are not worth the 40 ms that a thread takes to start. */
const WORTH_THREADS = 24 * 1024 * 1024
/** Beyond this the main thread, which hashes all bytes in order, is what one waits for. */
const MAX_THREADS = 6

export function frameCrew(options: CrewOptions, contentSize: number): FrameCrew {
  return contentSize < WORTH_THREADS
    ? localCrew(options)
    : threadCrew(options, Math.min(MAX_THREADS, Math.max(2, availableParallelism())))
}

/** Reads on this thread, compresses on libuv's. */
export function localCrew({ compression, level, rules }: CrewOptions): FrameCrew {
  const codec = frameCodec(compression, level)
  return {
    width: 8,
    complete: async task => {
      const filled = fillFrame(task, rules)
      const { plain, digests, id, reused } = filled
      const compressed = reused ?? (await codec.compress(Buffer.from(plain, 0, task.used)))
      return { plain, digests, id, compressed, crc: crcOf(filled, compressed) }
    },
    close: async () => {},
  }
}

export function crcOf({ id }: FilledFrame, compressed: Uint8Array): number {
  return id === undefined ? 0 : crc32(compressed)
}

export type ThreadAnswer =
  | (Omit<DoneFrame, 'compressed'> & { readonly compressed?: ArrayBuffer; readonly length?: number })
  | { readonly failure: FileFailure }

const THREAD = new URL(`./frame-thread${extname(new URL(import.meta.url).pathname)}`, import.meta.url)

/** Reads and compresses on threads of their own, which leaves this one to hash and write. */
export function threadCrew(options: CrewOptions, threads: number): FrameCrew {
  const hands = Array.from({ length: threads }, () => new Hand(options))
  return {
    width: 3 * threads,
    complete: task => hands.reduce((a, b) => (b.load < a.load ? b : a)).complete(task),
    close: async () => {
      await Promise.all(hands.map(hand => hand.close()))
    },
  }
}

interface Waiting {
  readonly task: FrameTask
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

  complete(task: FrameTask): Promise<DoneFrame> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject })
      this.#worker.postMessage(task, [task.plain])
    })
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #answered(answer: ThreadAnswer): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) return
    if ('failure' in answer) waiting.reject(new FrameError(answer.failure))
    else waiting.resolve({ ...answer, compressed: compressedOf(answer, waiting.task) })
  }

  #failed(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}

function compressedOf(answer: Exclude<ThreadAnswer, { failure: FileFailure }>, { used }: FrameTask): Uint8Array {
  return answer.compressed === undefined
    ? new Uint8Array(answer.plain, 0, used)
    : new Uint8Array(answer.compressed, 0, answer.length)
}
