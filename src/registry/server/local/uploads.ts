import { closeSync, constants, copyFileSync, openSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno, ShaleError } from '../../../error.ts'
import { type Digest, type DigestAlgorithm, digestAlgorithm } from '../../../oci/digest.ts'
import type { LocalStore } from '../../../store/open.ts'
import type { Appended, BlobUploads, Chunk, Finished, UploadState } from '../blob-storage.ts'
import { protect } from './protect.ts'
import { beginHash, digestOfFile, type RunningHash, UploadFile } from './upload-file.ts'
import { type Claim, type UploadRow, type UploadRows, WRITER_RENEWAL_MS } from './upload-rows.ts'

/** More hashes than this are not kept: uploads that are abandoned leave theirs behind. */
const MAX_HASHES = 4096

/**
 * Uploads as files of the store's temporary folder with a row each. A file's size is how far the upload is, so that a
 * chunk costs no write to the database, and what a killed process has received is still there.
 */
export class StoreUploads implements BlobUploads {
  readonly #store: LocalStore
  readonly #rows: UploadRows
  readonly #hashes = new Map<string, RunningHash>()
  /** Requests of this process that write, by upload. */
  readonly #writers = new Map<string, Writer>()

  constructor(store: LocalStore, rows: UploadRows) {
    this.#store = store
    this.#rows = rows
  }

  async begin(repository: string): Promise<UploadState> {
    const { id, file } = this.#rows.insert(repository)
    closeSync(openSync(this.#path(file), 'wx', 0o600))
    return { id, repository, size: 0 }
  }

  async state(repository: string, id: string): Promise<UploadState | undefined> {
    const row = this.#rows.find(repository, id)
    const size = row && sizeOf(this.#path(row.file))
    return size === undefined ? undefined : { id, repository, size }
  }

  async append(repository: string, id: string, chunk: Chunk): Promise<Appended> {
    const result = await this.#claimed(repository, id, writer => this.#append(writer, chunk))
    return typeof result === 'string' ? { kind: result } : result
  }

  async finish(repository: string, id: string, digest: Digest): Promise<Finished> {
    const result = await this.#claimed(repository, id, ({ claim }) => this.#finish(claim, digest))
    return typeof result === 'string' ? { kind: result } : result
  }

  async cancel(repository: string, id: string): Promise<boolean> {
    const result = await this.#claimed(repository, id, async ({ claim }) => this.#drop(claim))
    return result === true
  }

  async expire(before: number): Promise<number> {
    let count = 0
    for (const { repository, id } of this.#rows.stale(before)) if (await this.cancel(repository, id)) count++
    return count
  }

  /** Runs `action` as the only writer of the upload, after the one before it in this process has let go. */
  async #claimed<T>(
    repository: string,
    id: string,
    action: (writer: Writer) => Promise<T>,
  ): Promise<T | 'unknown' | 'busy'> {
    while (this.#writers.has(id)) await this.#writers.get(id)?.giveWay()
    const claim = this.#rows.claim(repository, id)
    if (typeof claim === 'string') return claim
    const writer = new Writer(claim, this.#rows)
    this.#writers.set(id, writer)
    try {
      this.#takeOver(claim)
      return await action(writer)
    } finally {
      this.#writers.delete(id)
      writer.end()
    }
  }

  /** Its writer died, or is only asleep: the file it has open is not the one that is written from now on. */
  #takeOver({ id, former, file }: Claim): void {
    if (former === undefined) return
    this.#hashes.delete(id)
    try {
      copyFileSync(this.#path(former), this.#path(file), constants.COPYFILE_FICLONE)
      rmSync(this.#path(former), { force: true })
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error
    }
  }

  async #append(writer: Writer, chunk: Chunk): Promise<Appended | 'unknown'> {
    const { claim } = writer
    const { offset, body, limit, algorithm = 'sha256' } = chunk
    writer.interrupt = chunk.interrupt
    const path = this.#path(claim.file)
    const size = sizeOf(path)
    if (size === undefined) return 'unknown'
    if (offset !== undefined && offset !== size) return { kind: 'offset', size }
    const file = await UploadFile.open(path, size, this.#hashFrom(claim, size, algorithm))
    try {
      for await (const bytes of body) {
        writer.check()
        if (file.size + bytes.byteLength > limit) return this.#tooLarge(claim)
        const behind = file.add(bytes)
        if (behind !== undefined) await behind
      }
    } finally {
      await file.close().catch(error => this.#failed(claim, error))
    }
    return { kind: 'appended', size: file.size }
  }

  /** The hash of the first `size` bytes, if this process has it. */
  #hashFrom({ id, file }: UploadRow, size: number, algorithm: DigestAlgorithm): RunningHash | undefined {
    if (size === 0) {
      const [oldest] = this.#hashes.size < MAX_HASHES ? [] : this.#hashes.keys()
      if (oldest !== undefined) this.#hashes.delete(oldest)
      this.#hashes.set(id, beginHash(file, algorithm))
    }
    const running = this.#hashes.get(id)
    return running?.file === file && running.size === size ? running : undefined
  }

  #tooLarge(claim: Claim): Appended {
    this.#drop(claim)
    return { kind: 'too-large' }
  }

  /** On a full disk the upload is given up, so that its space is there for others. */
  #failed(claim: Claim, error: unknown): never {
    this.#drop(claim)
    throw error
  }

  async #finish(claim: Claim, digest: Digest): Promise<Finished | 'unknown'> {
    const path = this.#path(claim.file)
    const size = sizeOf(path)
    if (size === undefined) return 'unknown'
    const found = await this.#digest(claim, path, size, digestAlgorithm(digest))
    if (found !== digest) {
      this.#drop(claim)
      return { kind: 'mismatch', digest: found }
    }
    const { blobs, database } = this.#store
    const blob = await blobs.adoptAs(path, { digest, size }, () => {
      if (!this.#rows.remove(claim, database)) throw lost()
      protect(database, digest)
    })
    this.#hashes.delete(claim.id)
    return { kind: 'finished', blob }
  }

  async #digest(claim: Claim, path: string, size: number, algorithm: DigestAlgorithm): Promise<Digest> {
    const running = this.#hashes.get(claim.id)
    this.#hashes.delete(claim.id)
    if (running?.file !== claim.file || running.size !== size || running.algorithm !== algorithm) {
      return await digestOfFile(path, algorithm)
    }
    return `${algorithm}:${running.hash.digest('hex')}` as Digest
  }

  #drop(claim: Claim): boolean {
    this.#hashes.delete(claim.id)
    const removed = this.#rows.remove(claim)
    rmSync(this.#path(claim.file), { force: true })
    return removed
  }

  #path(file: string): string {
    return join(this.#store.tempDir, file)
  }
}

/** One request that has an upload for itself. */
class Writer {
  readonly claim: Claim
  interrupt: (() => void) | undefined
  readonly #rows: UploadRows
  readonly #timer: NodeJS.Timeout
  readonly #ended = Promise.withResolvers<void>()
  #lost = false

  constructor(claim: Claim, rows: UploadRows) {
    this.claim = claim
    this.#rows = rows
    this.#timer = setInterval(() => this.#renew(), WRITER_RENEWAL_MS).unref()
  }

  /** Throws when another request has the upload now. */
  check(): void {
    if (this.#lost) throw lost()
  }

  /** Makes it stop, and waits until it has. */
  giveWay(): Promise<void> {
    this.#lost = true
    this.interrupt?.()
    return this.#ended.promise
  }

  end(): void {
    clearInterval(this.#timer)
    this.#rows.release(this.claim)
    this.#ended.resolve()
  }

  #renew(): void {
    try {
      if (!this.#rows.renew(this.claim)) this.#lost = true
    } catch {
      // A full disk or a locked database; the next beat or the end of the upload tells.
    }
  }
}

function lost(): ShaleError {
  return new ShaleError('UPLOAD_TAKEN_OVER', 'another request goes on with this upload')
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}
