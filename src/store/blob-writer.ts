import { createHash, type Hash } from 'node:crypto'
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { ShaleError, writing } from '../error.ts'
import { type Digest, digestAlgorithm } from '../oci/digest.ts'
import type { BlobInfo, BlobWriter } from './types.ts'

/** Gives a finished, synced temporary file its name. */
export type Publish = (path: string, info: BlobInfo) => Promise<BlobInfo>

/** Writes and hashes as chunks come. Writing is synchronous: it copies into the page cache, which is faster than a round trip. */
export class FileBlobWriter implements BlobWriter {
  readonly path: string
  readonly #publish: Publish
  readonly #hash: Hash = createHash('sha256')
  #size = 0
  #file: number | undefined
  #finished = false

  constructor(path: string, publish: Publish) {
    this.path = path
    this.#publish = publish
  }

  write(chunk: Uint8Array): void {
    const file = this.#open()
    this.#hash.update(chunk)
    writing(this.path, () => {
      for (let done = 0; done < chunk.byteLength; ) done += writeSync(file, chunk, done, chunk.byteLength - done)
    })
    this.#size += chunk.byteLength
  }

  async commit(expected: { readonly digest?: Digest; readonly size?: number } = {}): Promise<BlobInfo> {
    this.#open()
    this.#close()
    this.#finished = true
    try {
      const info = await this.#verify(expected)
      await syncFile(this.path)
      return await this.#publish(this.path, info)
    } catch (error) {
      await rm(this.path, { force: true })
      throw error
    }
  }

  /** Leaves the file as it is. */
  suspend(): void {
    this.#finished = true
    this.#close()
  }

  async abort(): Promise<void> {
    if (this.#finished) return
    this.#finished = true
    this.#close()
    await rm(this.path, { force: true })
  }

  #open(): number {
    if (this.#finished) throw new ShaleError('BLOB_WRITER_CLOSED', 'this blob was committed or aborted already')
    this.#file ??= openSync(this.path, 'wx', 0o600)
    return this.#file
  }

  #close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  async #verify(expected: { readonly digest?: Digest; readonly size?: number }): Promise<BlobInfo> {
    const size = this.#size
    if (expected.size !== undefined && expected.size !== size) {
      throw new ShaleError('BLOB_SIZE_MISMATCH', `received ${size} bytes of a blob that should have ${expected.size}`)
    }
    const digest = await this.#digest(expected.digest)
    if (expected.digest !== undefined && expected.digest !== digest) {
      throw new ShaleError(
        'BLOB_DIGEST_MISMATCH',
        `received a blob with digest ${digest} instead of ${expected.digest}`,
      )
    }
    return { digest, size }
  }

  async #digest(expected: Digest | undefined): Promise<Digest> {
    const digest: Digest = `sha256:${this.#hash.digest('hex')}`
    if (expected === undefined || digestAlgorithm(expected) === 'sha256') return digest
    const hash = createHash('sha512')
    for await (const chunk of createReadStream(this.path)) hash.update(chunk as Buffer)
    return `sha512:${hash.digest('hex')}`
  }
}

/** Brings a finished file to the disk and makes it read-only. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.chmod(0o444)
    await file.sync()
  } finally {
    await file.close()
  }
}
