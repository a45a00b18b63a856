import { randomBytes } from 'node:crypto'
import { createReadStream, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno, writing } from '../error.ts'
import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts'
import type { FileBlobWriter } from './blob-writer.ts'
import type { FileBlobs } from './blobs.ts'
import type { Layout } from './layout.ts'
import type { BlobPart, Lease, PartialBlobs, PartialWriter } from './types.ts'

const FROM = '.from'
const QUIET_MS = 5 * 60 * 1000

export interface PartialContext {
  readonly layout: Layout
  readonly blobs: FileBlobs
}

export function createPartials(context: PartialContext): PartialBlobs {
  return new DirectoryPartials(context)
}

/**
 * Files `partial/<algorithm>-<hex>.<random>`, each written by one process only, and beside each a file that says where
 * its bytes come from. Two processes that receive the same blob have two files; who is done first removes both.
 */
class DirectoryPartials implements PartialBlobs {
  readonly #context: PartialContext

  constructor(context: PartialContext) {
    this.#context = context
  }

  find(digest: Digest): BlobPart | undefined {
    const parts = this.#files(digest).flatMap(path => {
      const stat = statSync(path, { throwIfNoEntry: false })
      return stat?.isFile() && stat.size > 0 ? [{ path, size: stat.size }] : []
    })
    const longest = parts.toSorted((a, b) => b.size - a.size)[0]
    if (longest === undefined) return undefined
    const { path, size } = longest
    // Its writer may be alive and go on writing: what is there now is what counts.
    return { size, open: () => createReadStream(path, { end: size - 1, highWaterMark: 256 * 1024 }) }
  }

  writer(lease: Lease, digest: Digest, origin: string): PartialWriter {
    const path = join(this.#context.layout.partial, `${prefix(digest)}${randomBytes(6).toString('hex')}`)
    writing(`${path}${FROM}`, () => writeFileSync(`${path}${FROM}`, `${origin}\n`, { mode: 0o600 }))
    const writer = this.#context.blobs.writerAt(lease, path)
    let suspended = false
    return {
      path,
      write: chunk => writer.write(chunk),
      commit: async expected => {
        try {
          return await this.#commit(lease, writer, digest, expected)
        } finally {
          this.#remove(path)
        }
      },
      abort: async () => {
        await writer.abort()
        if (!suspended) this.#remove(path)
      },
      suspend: () => {
        suspended = true
        writer.suspend()
        for (const other of this.#files(digest)) if (other !== path && isQuiet(other)) this.#remove(other)
      },
    }
  }

  drop(digest: Digest): void {
    for (const path of this.#files(digest)) this.#remove(path)
  }

  async #commit(
    lease: Lease,
    writer: FileBlobWriter,
    digest: Digest,
    expected: { readonly digest?: Digest; readonly size?: number } | undefined,
  ) {
    try {
      const info = await writer.commit(expected)
      this.drop(digest)
      return info
    } catch (error) {
      // Another process has received the same blob meanwhile, and has removed all parts of it.
      const size = isErrno(error, 'ENOENT') ? this.#context.blobs.kept(lease, digest) : undefined
      if (size === undefined) throw error
      return { digest, size }
    }
  }

  #files(digest: Digest): readonly string[] {
    const { partial } = this.#context.layout
    const names = readdirSync(partial).filter(name => name.startsWith(prefix(digest)) && !name.endsWith(FROM))
    return names.map(name => join(partial, name))
  }

  #remove(path: string): void {
    rmSync(path, { force: true })
    rmSync(`${path}${FROM}`, { force: true })
  }
}

/** True for a file whose writer has ended: one that is alive writes more often than that, or its connection ends. */
function isQuiet(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && Date.now() - stat.mtimeMs > QUIET_MS
}

function prefix(digest: Digest): string {
  return `${digestAlgorithm(digest)}-${digestHex(digest)}.`
}
