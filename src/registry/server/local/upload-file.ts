import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { writing } from '../../../error.ts'
import type { Digest, DigestAlgorithm } from '../../../oci/digest.ts'

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

/** Written at once, in bytes: the next write is gathered while one goes on. */
const GATHER_BYTES = 256 * 1024
/** After so many bytes the disk is told to begin, so that it has little left to do when the upload is finished. */
const FLUSH_BYTES = 32 * 1024 * 1024
/** Node's pool has four threads for everything. */
const MAX_FLUSHES = 2
let flushes = 0

/**
 * Appends chunks to a file and hashes them. Hashing and the socket have this thread, writing has Node's pool; what
 * waits for the disk is bounded.
 */
export class UploadFile {
  readonly #file: FileHandle
  readonly #path: string
  readonly #running: RunningHash | undefined
  #gathered: Uint8Array[] = []
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

  /** A promise when the disk is behind. Throws what an earlier write failed with. */
  add(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#running !== undefined) {
      this.#running.hash.update(chunk)
      this.#running.size += chunk.byteLength
    }
    this.#gathered.push(chunk)
    this.#gatheredBytes += chunk.byteLength
    if (this.#gatheredBytes < GATHER_BYTES) return undefined
    if (this.#writing === undefined) {
      this.#start()
      return undefined
    }
    return this.#writing.then(() => this.#start())
  }

  /** Everything is in the file when this returns. */
  async close(): Promise<void> {
    try {
      await this.#writing
      if (this.#gathered.length > 0) this.#start()
      await this.#writing
      await this.#flushing
      if (this.#failure !== undefined) throw this.#failure
    } finally {
      await this.#file.close()
    }
  }

  #start(): void {
    const chunks = this.#gathered
    const bytes = this.#gatheredBytes
    const at = this.#end
    this.#end += bytes
    this.#gathered = []
    this.#gatheredBytes = 0
    this.#writing = this.#write(chunks, bytes, at)
      .catch(error => {
        this.#failure = error
      })
      .then(() => {
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

  async #write(chunks: Uint8Array[], bytes: number, at: number): Promise<void> {
    await writing(this.#path, async () => {
      const { bytesWritten } = await this.#file.writev(chunks, at)
      if (bytesWritten === bytes) return
      // A disk that has just become full takes a part.
      const whole = Buffer.concat(chunks)
      for (let done = bytesWritten; done < bytes; ) {
        done += (await this.#file.write(whole, done, bytes - done, at + done)).bytesWritten
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
