import { posix } from 'node:path'
import { ShaleError } from '../error.ts'
import { toByteString } from '../layer/entry.ts'
import { type Digest, isDigest, sha256 } from '../oci/digest.ts'
import type { BlobInfo, Lease, Store } from '../store/types.ts'
import { cleanMemberPath } from '../tar/path.ts'
import { readTar, type TarMember } from '../tar/read.ts'
import { notThere, tooLarge } from './failures.ts'
import type { Shelf } from './shelf.ts'

type Item =
  | { readonly kind: 'small'; readonly bytes: Buffer }
  | { readonly kind: 'blob'; readonly info: BlobInfo }
  | { readonly kind: 'link'; readonly target: string }

/** Small members are kept in memory, up to this many bytes and members in all. */
const MAX_SMALL_BYTES = 64 * 1024 * 1024
const MAX_MEMBERS = 100_000
const MAX_LINKS = 8
const HEADER_BYTES = 512

/**
 * Reads an archive once, from first to last byte: large members become blobs of the store at once (under the lease, so
 * what no image turns out to need goes with the next collection), small ones stay in memory. No second copy is spooled,
 * and an archive from a pipe is as good as a file. Throws `NOT_AN_ARCHIVE`, the tar reader's errors, `TAR_PATH_ESCAPES`
 * for hostile names, and `BLOB_DIGEST_MISMATCH` for a member of `blobs/` that is not what its name says.
 */
export async function shelveTar(
  store: Store,
  lease: Lease,
  name: string,
  archive: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<Shelf> {
  const items = new Map<string, Item>()
  let small = 0
  for await (const member of membersOf(name, archive)) {
    signal?.throwIfAborted()
    const path = cleanMemberPath(member.header.path)
    const item = await shelve(store, lease, path, member)
    if (item === undefined) continue
    if (item.kind === 'small') small += item.bytes.byteLength
    if (small > MAX_SMALL_BYTES || items.size >= MAX_MEMBERS) {
      throw new ShaleError('ARCHIVE_TOO_LARGE', `${name} has too many small members to be an image archive`)
    }
    items.set(path, item)
  }
  return new TarShelf(store, name, items)
}

/** What does not even begin with a header is no tar at all. */
async function* membersOf(name: string, archive: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember> {
  let bytes = 0
  let first = true
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of archive) {
      bytes += chunk.byteLength
      yield chunk
    }
  }
  try {
    for await (const member of readTar(counted())) {
      first = false
      yield member
    }
  } catch (cause) {
    const code = cause instanceof ShaleError ? cause.code : ''
    const junk = code === 'TAR_HEADER_INVALID' || (code === 'TAR_TRUNCATED' && bytes < HEADER_BYTES)
    if (!first || !junk) throw cause
    throw new ShaleError('NOT_AN_ARCHIVE', `${name} is not an image archive: it does not begin as a tar does`, {
      hint: 'shale save, docker save and skopeo make image archives',
      cause,
    })
  }
}

async function shelve(store: Store, lease: Lease, path: string, member: TarMember): Promise<Item | undefined> {
  const { header, whole } = member
  if (header.kind === 'symlink') {
    return { kind: 'link', target: cleanMemberPath(posix.join(posix.dirname(path), header.target)) }
  }
  if (header.kind === 'hardlink') return { kind: 'link', target: cleanMemberPath(header.target) }
  if (header.kind !== 'file') return undefined
  if (whole !== undefined) return { kind: 'small', bytes: Buffer.from(whole) }
  return { kind: 'blob', info: await keepBlob(store, lease, path, member) }
}

async function keepBlob(store: Store, lease: Lease, path: string, member: TarMember): Promise<BlobInfo> {
  const digest = digestOfPath(path)
  const { size } = member.header
  // What the store has already needs no second look: its own reads verify it.
  if (digest !== undefined && store.blobs.size(digest) === size && store.hold(lease, { kind: 'blob', digest })) {
    return { digest, size }
  }
  const writer = store.blobs.writer(lease)
  try {
    for await (const chunk of member.content) await writer.write(chunk)
    return await writer.commit(digest === undefined ? { size } : { digest, size })
  } finally {
    await writer.abort()
  }
}

function digestOfPath(path: string): Digest | undefined {
  const [folder, algorithm, hex, ...rest] = path.split('/')
  const digest = `${algorithm}:${hex}`
  return folder === 'blobs' && rest.length === 0 && isDigest(digest) ? digest : undefined
}

class TarShelf implements Shelf {
  readonly name: string
  readonly #store: Store
  readonly #items: ReadonlyMap<string, Item>

  constructor(store: Store, name: string, items: ReadonlyMap<string, Item>) {
    this.name = name
    this.#store = store
    this.#items = items
  }

  has(path: string): boolean {
    return this.#find(path) !== undefined
  }

  async read(path: string, limit: number): Promise<Buffer> {
    const item = this.#get(path)
    const size = item.kind === 'small' ? item.bytes.byteLength : item.info.size
    if (size > limit) throw tooLarge(this.name, path, size, limit)
    return item.kind === 'small' ? item.bytes : await this.#store.blobs.read(item.info.digest)
  }

  async *stream(path: string): AsyncGenerator<Uint8Array> {
    const item = this.#get(path)
    if (item.kind === 'small') yield item.bytes
    else yield* this.#store.blobs.stream(item.info.digest)
  }

  async identify(path: string): Promise<BlobInfo> {
    const item = this.#get(path)
    return item.kind === 'blob' ? item.info : { digest: sha256(item.bytes), size: item.bytes.byteLength }
  }

  sample(): readonly string[] {
    return [...this.#items.keys()].slice(0, 5)
  }

  #get(path: string): Exclude<Item, { kind: 'link' }> {
    const item = this.#find(path)
    if (item === undefined) throw notThere(this.name, path)
    return item
  }

  #find(path: string): Exclude<Item, { kind: 'link' }> | undefined {
    let item = this.#items.get(toByteString(path))
    for (let hops = 0; item?.kind === 'link'; hops++) {
      if (hops >= MAX_LINKS) return undefined
      item = this.#items.get(item.target)
    }
    return item
  }
}
