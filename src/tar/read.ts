import { ShaleError } from '../error.ts'
import { isZeroBlock, parseBlock, type RawHeader, rawName, realSize } from './block.ts'
import { ByteInput } from './byte-input.ts'
import { BLOCK, type ByteString, padding, type TarHeader } from './header.ts'
import { Extensions, IGNORED_TYPES, META_LIMIT, type Member } from './members.ts'
import { checkSparse, type Extent, expand, extentsOf, gnuExtents, readSparseMap, type SparseMap } from './sparse.ts'

export interface TarMember {
  readonly header: TarHeader
  /** The whole content when it is small (at most 64 KiB): no iteration is needed then. */
  readonly whole?: Uint8Array
  /** The content, to be read once. What is not read when the next member is asked for is passed over. */
  readonly content: AsyncIterable<Uint8Array>
  /** Where the member's last header begins in the archive. */
  readonly offset: number
}

const WHOLE = 64 * 1024
const MAX_SPARSE_BLOCKS = 50_000
const EMPTY = new Uint8Array(0)

/** Every member of an archive; see `TarReader`. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember, void, undefined> {
  const reader = new TarReader(source)
  try {
    for (let member = await reader.next(); member !== undefined; member = await reader.next()) yield member
  } finally {
    await reader.close()
  }
}

/**
 * Reads v7, ustar, pax and GNU archives as they stream by; the source is read to its end. Memory is bounded: the largest
 * thing held is one pax header (1 MiB). Throws `TAR_HEADER_INVALID`, `TAR_PAX_INVALID`, `TAR_SPARSE_INVALID`,
 * `TAR_TRUNCATED`, `TAR_TRAILING_GARBAGE`, `TAR_UNSUPPORTED`, `TAR_TOO_LARGE`, each with the member and its offset.
 */
export class TarReader {
  readonly #input: ByteInput
  readonly #extensions = new Extensions()
  /** Of the current member: content and padding that are still unread. */
  #left = 0
  #padding = 0
  /** For messages: the header that is being read, where it begins, and the name once it is known. */
  #block: Buffer | undefined
  #offset = 0
  #name: ByteString = ''
  readonly #where = (): string => {
    const name = this.#name !== '' ? this.#name : this.#block === undefined ? '' : rawName(this.#block)
    return `tar member ${JSON.stringify(Buffer.from(name.slice(0, 200), 'latin1').toString('utf8'))} at byte ${this.#offset}`
  }

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#input = new ByteInput(source)
  }

  async close(): Promise<void> {
    await this.#input.close()
  }

  /** The next member, or undefined at the archive's end. */
  async next(): Promise<TarMember | undefined> {
    await this.#finishMember()
    for (;;) {
      this.#offset = this.#input.offset
      const block = this.#input.take(BLOCK) ?? (await this.#nextBlock())
      if (block === undefined) return undefined
      this.#block = block
      this.#name = ''
      if (block[0] === 0 && isZeroBlock(block)) return this.#end()
      const raw = parseBlock(block, this.#where)
      if (raw.size < 0) throw this.#fail('TAR_HEADER_INVALID', 'its size is negative')
      const limit = META_LIMIT[raw.type]
      if (limit !== undefined) await this.#readMeta(raw, limit)
      else if (IGNORED_TYPES.has(raw.type)) await this.#skip(raw.size + padding(raw.size))
      else return this.#member(raw, block)
    }
  }

  async #nextBlock(): Promise<Buffer | undefined> {
    if (await this.#input.fill(BLOCK)) return this.#input.take(BLOCK)
    const rest = await this.#input.some(BLOCK)
    if (rest === undefined && !this.#extensions.pending) return undefined
    throw this.#fail('TAR_TRUNCATED', 'the archive ends after it, within a header')
  }

  /** After the first zero block nothing but zeros may follow. */
  async #end(): Promise<undefined> {
    if (this.#extensions.pending) throw this.#fail('TAR_TRUNCATED', 'the archive ends after an extended header')
    for (;;) {
      this.#offset = this.#input.offset
      const piece = await this.#input.some(BLOCK)
      if (piece === undefined) return undefined
      const garbage = piece.findIndex(byte => byte !== 0)
      if (garbage < 0) continue
      this.#offset += garbage
      throw this.#fail('TAR_TRAILING_GARBAGE', "data follows the archive's end")
    }
  }

  async #readMeta(raw: RawHeader, limit: number): Promise<void> {
    if (raw.size > limit) {
      throw this.#fail('TAR_TOO_LARGE', `an extended header of ${raw.size} bytes, where at most ${limit} are read`)
    }
    const body = (await this.#exactly(raw.size)).toString('latin1')
    await this.#skip(padding(raw.size))
    this.#extensions.add(raw.type, body, this.#where)
  }

  async #member(raw: RawHeader, block: Buffer): Promise<TarMember> {
    const offset = this.#offset
    const member = this.#extensions.apply(raw, this.#where)
    const { header } = member
    this.#name = header.path
    // Other kinds may have a size in their header but no data, except for GNU's dumped directories.
    const stored = header.kind === 'file' || raw.type === 'D' ? header.size : 0
    this.#left = stored
    this.#padding = padding(stored)
    if (header.kind !== 'file') return { header: { ...header, size: 0 }, whole: EMPTY, content: once(EMPTY), offset }
    const sparse = await this.#sparse(raw, member, block)
    if (sparse !== undefined) {
      checkSparse(sparse, this.#left, this.#where)
      return { header: { ...header, size: sparse.size }, content: expand(sparse, this.#stream()), offset }
    }
    if (stored > WHOLE) return { header, content: this.#stream(), offset }
    const whole = stored === 0 ? EMPTY : (this.#input.take(stored) ?? (await this.#exactly(stored)))
    this.#left = 0
    return { header, whole, content: once(whole), offset }
  }

  async #sparse(raw: RawHeader, member: Member, block: Buffer): Promise<SparseMap | undefined> {
    if (raw.type === 'S') return { extents: await this.#gnuExtents(block), size: realSize(block, this.#where) }
    if (member.sparse === undefined) return undefined
    const { map, size } = member.sparse
    return { extents: map === undefined ? await this.#extentsInData() : extentsOf(map, this.#where), size }
  }

  async #gnuExtents(block: Buffer): Promise<readonly Extent[]> {
    const extents = [...gnuExtents(block, 386, 4, this.#where)]
    let more = block[482] !== 0
    for (let blocks = 0; more; blocks++) {
      if (blocks > MAX_SPARSE_BLOCKS) throw this.#fail('TAR_TOO_LARGE', 'its sparse map is too long')
      const extension = await this.#exactly(BLOCK)
      extents.push(...gnuExtents(extension, 0, 21, this.#where))
      more = extension[504] !== 0
    }
    return extents
  }

  async #extentsInData(): Promise<readonly Extent[]> {
    return readSparseMap(async () => {
      this.#left -= BLOCK
      if (this.#left < 0) throw this.#fail('TAR_SPARSE_INVALID', 'its map is longer than its data')
      return this.#exactly(BLOCK)
    }, this.#where)
  }

  async *#stream(): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) {
      const piece = await this.#input.some(this.#left)
      if (piece === undefined) throw this.#truncated()
      this.#left -= piece.length
      yield piece
    }
  }

  async #finishMember(): Promise<void> {
    const rest = this.#left + this.#padding
    this.#left = 0
    this.#padding = 0
    if (rest > 0 && (rest > BLOCK || this.#input.take(rest) === undefined)) await this.#skip(rest)
  }

  async #skip(length: number): Promise<void> {
    if (!(await this.#input.skip(length))) throw this.#truncated()
  }

  async #exactly(length: number): Promise<Buffer> {
    if (!(await this.#input.fill(length))) throw this.#truncated()
    return this.#input.take(length) as Buffer
  }

  #truncated(): ShaleError {
    return this.#fail('TAR_TRUNCATED', 'the archive ends inside it')
  }

  #fail(code: string, why: string): ShaleError {
    return new ShaleError(code, `${this.#where()}: ${why}`)
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
}
