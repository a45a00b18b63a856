import { padding, type TarEntry } from '../tar/header.ts'
import { writeHeader } from '../tar/write.ts'
import type { FileContent } from './content.ts'
import { toByteString } from './entry.ts'
import type { FrameMemory, FrameTask } from './frame-task.ts'

/** A file of a frame, for who is told of the completed one. */
export interface FramedFile {
  /** Index of the file's entry in the packed table. */
  readonly entry: number
  readonly at: number
  readonly length: number
  readonly from: number
}

/** Lays out one frame after the other: writes headers and padding, and notes which files go between them. */
export class FrameBuilder {
  readonly #memory: () => FrameMemory
  #plain: Buffer | undefined
  #used = 0
  #files: FramedFile[] = []
  #paths = ''
  #digests = ''
  #spans: number[] = []
  #ctimes: bigint[] = []

  constructor(memory: () => FrameMemory) {
    this.#memory = memory
  }

  get used(): number {
    return this.#used
  }

  header(entry: TarEntry): void {
    this.#used += writeHeader(entry, this.#buffer(), this.#used)
  }

  append(bytes: Uint8Array): void {
    this.#buffer().set(bytes, this.#used)
    this.#used += bytes.length
  }

  /** Leaves room for a part of a file, or all of it. */
  file(content: FileContent, file: Omit<FramedFile, 'at'> & { readonly size: number; readonly digest: string }): void {
    const { entry, from, length, size, digest } = file
    this.#buffer()
    this.#files.push({ entry, at: this.#used, length, from })
    const { path } = content
    this.#paths += `${typeof path === 'string' ? toByteString(path) : path.toString('latin1')}\0`
    this.#digests += length === size ? `${digest} ` : ' '
    this.#spans.push(this.#used, length, from, size)
    this.#ctimes.push(content.ctimeNs ?? 0n)
    this.#used += length
  }

  /** Zeros up to the next block, after a file of `size` bytes. */
  pad(size: number): void {
    const length = padding(size)
    this.#buffer().fill(0, this.#used, this.#used + length)
    this.#used += length
  }

  /** Ends the frame; undefined when nothing is in it. */
  take(): { readonly task: FrameTask; readonly files: readonly FramedFile[] } | undefined {
    if (this.#plain === undefined || this.#used === 0) return undefined
    const task: FrameTask = {
      kind: 'task',
      plain: this.#plain.buffer as FrameMemory,
      used: this.#used,
      paths: this.#paths,
      digests: this.#digests,
      spans: Float64Array.from(this.#spans),
      ctimes: BigInt64Array.from(this.#ctimes),
    }
    const files = this.#files
    this.#plain = undefined
    this.#used = 0
    this.#files = []
    this.#paths = ''
    this.#digests = ''
    this.#spans = []
    this.#ctimes = []
    return { task, files }
  }

  #buffer(): Buffer {
    this.#plain ??= Buffer.from(this.#memory())
    return this.#plain
  }
}
