import { createHash } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '../oci/digest.ts'
import { cleanMemberPath } from '../tar/path.ts'
import { notThere, tooLarge } from './failures.ts'
import type { Shelf } from './shelf.ts'

/** An image that lies unpacked in a folder. */
export async function shelveFolder(folder: string): Promise<Shelf> {
  return new FolderShelf(folder, await readdir(folder))
}

class FolderShelf implements Shelf {
  readonly name: string
  readonly #names: readonly string[]

  constructor(folder: string, names: readonly string[]) {
    this.name = folder
    this.#names = names
  }

  has(path: string): boolean {
    return this.#size(path) !== undefined
  }

  async read(path: string, limit: number): Promise<Buffer> {
    const size = this.#size(path)
    if (size === undefined) throw notThere(this.name, path)
    if (size > limit) throw tooLarge(this.name, path, size, limit)
    return await readFile(this.#path(path))
  }

  async *stream(path: string): AsyncGenerator<Uint8Array> {
    if (this.#size(path) === undefined) throw notThere(this.name, path)
    yield* createReadStream(this.#path(path), { highWaterMark: 256 * 1024 })
  }

  async identify(path: string): Promise<{ readonly digest: Digest; readonly size: number }> {
    const hash = createHash('sha256')
    let size = 0
    for await (const chunk of this.stream(path)) {
      hash.update(chunk)
      size += chunk.byteLength
    }
    return { digest: `sha256:${hash.digest('hex')}`, size }
  }

  sample(): readonly string[] {
    return this.#names.slice(0, 5)
  }

  /** Undefined for what is no regular file: a fifo would never end, a device never be an image. */
  #size(path: string): number | undefined {
    const stat = statSync(this.#path(path), { throwIfNoEntry: false })
    return stat?.isFile() ? stat.size : undefined
  }

  #path(path: string): string {
    return join(this.name, cleanMemberPath(path))
  }
}
