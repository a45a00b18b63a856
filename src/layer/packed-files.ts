import { createHash, type Hash, hash } from 'node:crypto'
import { ShaleError } from '../error.ts'
import { changed, gone, unreadable } from './content.ts'
import type { Entry, FileEntry } from './entry.ts'
import type { FramedFile } from './frame-builder.ts'
import type { DoneFrame } from './frame-crew.ts'
import type { FrameOwner } from './frame-pipe.ts'
import { type FileFailure, FrameError } from './frame-task.ts'
import type { Toc } from './toc.ts'

/** The table of a layer that is being packed; learns the digests of files from the frames as they are completed. */
export class PackedFiles {
  readonly #toc: Toc
  /** Copied when the first digest is learned. */
  #learned: Entry[] | undefined
  #large: Hash | undefined

  constructor(toc: Toc) {
    this.#toc = toc
  }

  /** The table itself when it had all digests. */
  toc(): Toc {
    return this.#learned === undefined ? this.#toc : { entries: this.#learned }
  }

  /** A file whose whole content is at hand. Throws `FILE_CHANGED`. */
  verify(index: number, content: Uint8Array): void {
    const { size } = this.#file(index)
    if (content.length !== size)
      throw this.#failure(index, { how: content.length < size ? 'short' : 'grown', bytes: content.length })
    this.#learn(index, hash('sha256', content, 'hex'))
  }

  /** Of one frame: takes what its completion tells of these files. */
  owner(files: readonly FramedFile[]): FrameOwner {
    return {
      completed: frame => {
        const digests = frame.digests.split(' ')
        for (const [i, file] of files.entries()) this.#completed(file, digests[i] ?? '', frame)
      },
      failed: error => {
        if (!(error instanceof FrameError)) return error
        return this.#failure(files[error.failure.file]?.entry ?? 0, error.failure)
      },
    }
  }

  #completed(file: FramedFile, digest: string, { plain }: DoneFrame): void {
    if (digest !== '') this.#learn(file.entry, digest)
    else this.#part(file, plain.subarray(file.at, file.at + file.length))
  }

  /** The parts of a large file come in order, and nothing between them. */
  #part({ entry, from, length }: FramedFile, bytes: Uint8Array): void {
    if (from === 0) this.#large = createHash('sha256')
    this.#large?.update(bytes)
    if (from + length === this.#file(entry).size) this.#learn(entry, this.#large?.digest('hex') ?? '')
  }

  #learn(index: number, digest: string): void {
    const file = this.#file(index)
    if (file.digest === digest) return
    if (file.digest !== '') throw this.#failure(index, { how: 'content', bytes: 0 })
    this.#learned ??= [...this.#toc.entries]
    this.#learned[index] = { ...file, digest }
  }

  #file(index: number): FileEntry {
    return (this.#learned ?? this.#toc.entries)[index] as FileEntry
  }

  #failure(index: number, { how, bytes, cause }: Omit<FileFailure, 'file'>): ShaleError {
    const entry = this.#file(index)
    if (how === 'lost') return frameLost()
    if (how === 'gone') return gone(entry, cause)
    if (how === 'unreadable') return unreadable(entry, cause)
    return changed(entry, CHANGES[how](bytes, entry.size))
  }
}

/** For who packs: the frames of the blob at hand are no good. */
function frameLost(): ShaleError {
  return new ShaleError('FRAME_LOST', 'a frame of the layer that was packed before is damaged')
}

const CHANGES = {
  short: (bytes: number, size: number) => `it has ${bytes} bytes, not ${size}`,
  grown: () => 'it has grown',
  time: () => 'it was written to meanwhile',
  content: () => 'its content differs',
} as const
