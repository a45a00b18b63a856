import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { writing } from '../../../error.ts'
import type { Digest, DigestAlgorithm } from '../../../oci/digest.ts'
import { CHUNK_BYTES, giveChunk, takeChunk } from './chunk-memory.ts'

/** The digest so far of an upload, in the process that has received it from its first byte. */
export interface RunningHash {
  /** Of which file: who takes an upload over writes to another. */
  readonly file: string
  readonly algorithm: DigestAlgorithm
  readonly hash: Hash
  /** Bytes in it. */
  size: number
}

export function beginHash(file: string, algorithm: DigestAlgorithm): RunningHash {
  return { file, algorithm, hash: createHash(algorithm), size: 0 }
}

/** After so many bytes the disk is told to begin, so that it has little left to do when the upload is finished. */
const FLUSH_BYTES = 32 * 1024 * 1024
/** Node's pool has four threads for everything. */
const MAX_FLUSHES = 2
let flushes = 0

/**
 * Appends chunks to a file and hashes them. Hashing and the socket have this thread, writing has Node's pool. One write
 * is gathered while the one before it goes on, so that what waits for the disk is bounded.
 */
export class UploadFile {
  readonly #file: FileHandle
  readonly #path: string
  readonly #running: RunningHash | undefined
  #gathered: Buffer | undefined
  #gatheredBytes = 0
  #writing: Promise<void> | undefined
  #flushing: Promise<void> | undefined
  #failure: unknown
  #end: number
  #unflushed = 0

  private constructor(path: string, file: FileHandle, size: number, running: RunningHash | undefined) {
    this.#path = path
    this.#file = file
    this.#end = size
    this.#running = running
  }

  static async open(path: string, size: number, running: RunningHash | undefined): Promise<UploadFile> {
    return new UploadFile(path, await open(path, 'r+'), size, running)
  }

  /** Bytes, those that are still to be written included. */
  get size(): number {
    return this.#end + this.#gatheredBytes
  }

  /**
   * Takes a chunk in, which is free again when the promise is kept, at once if there is none. Throws what an earlier
   * write failed with.
   */
  add(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#running !== undefined) {
      this.#running.hash.update(chunk)
      this.#running.size += chunk.byteLength
    }
    return this.#gather(chunk)
  }

  #gather(chunk: Uint8Array): Promise<void> | undefined {
    this.#gathered ??= takeChunk()
    const fits = chunk.subarray(0, CHUNK_BYTES - this.#gatheredBytes)
    this.#gathered.set(fits, this.#gatheredBytes)
    this.#gatheredBytes += fits.byteLength
    if (this.#gatheredBytes < CHUNK_BYTES) return undefined
    const goOn = () => {
      this.#start()
      return fits.byteLength < chunk.byteLength ? this.#gather(chunk.subarray(fits.byteLength)) : undefined
    }
    return this.#writing === undefined ? goOn() : this.#writing.then(goOn)
  }

  /** Everything is in the file when this returns. */
  async close(): Promise<void> {
    try {
      await this.#writing
      this.#start()
      await this.#writing
      await this.#flushing
      if (this.#failure !== undefined) throw this.#failure
    } finally {
      await this.#file.close()
    }
  }

  #start(): void {
    const chunk = this.#gathered
    if (chunk === undefined) return
    const bytes = this.#gatheredBytes
    const at = this.#end
    this.#end += bytes
    this.#gathered = undefined
    this.#gatheredBytes = 0
    this.#writing = this.#write(chunk, bytes, at)
      .catch(error => {
        this.#failure = error
      })
      .then(() => {
        giveChunk(chunk)
        this.#writing = undefined
        this.#flush(bytes)
      })
  }

  #flush(written: number): void {
    this.#unflushed += written
    if (this.#unflushed < FLUSH_BYTES || this.#flushing !== undefined || flushes >= MAX_FLUSHES) return
    this.#unflushed = 0
    flushes++
    this.#flushing = writing(this.#path, () => this.#file.datasync())
      .catch(error => {
        this.#failure = error
      })
      .then(() => {
        flushes--
        this.#flushing = undefined
      })
  }

  async #write(chunk: Buffer, bytes: number, at: number): Promise<void> {
    await writing(this.#path, async () => {
      // A disk that has just become full takes a part.
      for (let done = 0; done < bytes; ) {
        done += (await this.#file.write(chunk, done, bytes - done, at + done)).bytesWritten
      }
    })
  }
}

/** What was received by another process, or with another algorithm, is read once more. */
export async function digestOfFile(path: string, algorithm: DigestAlgorithm): Promise<Digest> {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(path, { highWaterMark: 512 * 1024 })) hash.update(chunk as Buffer)
  return `${algorithm}:${hash.digest('hex')}` as Digest
}
