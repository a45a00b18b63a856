import { ShaleError } from '../error.ts'
import { number, type Where } from './block.ts'
import type { ByteString } from './header.ts'

/** A stretch of a sparse file that the archive holds; all else is zeros. */
export interface Extent {
  readonly offset: number
  readonly length: number
}

export interface SparseMap {
  readonly extents: readonly Extent[]
  /** The file's whole size. */
  readonly size: number
}

const MAX_EXTENTS = 1_000_000
const ZEROS = Buffer.alloc(64 * 1024)

/** The extents in an old GNU header (4 at byte 386) or one of its extension blocks (21 at byte 0). */
export function gnuExtents(block: Buffer, at: number, count: number, where: Where): readonly Extent[] {
  const extents: Extent[] = []
  for (let i = 0; i < count && block[at + i * 24] !== 0; i++) {
    const offset = number(block, [at + i * 24, 12], 'sparse map', where)
    extents.push({ offset, length: number(block, [at + i * 24 + 12, 12], 'sparse map', where) })
  }
  return extents
}

/** Extents from the decimal numbers `offset, length, offset, length …`. */
export function extentsOf(numbers: readonly string[], where: Where): readonly Extent[] {
  if (numbers.length % 2 !== 0 || numbers.length > 2 * MAX_EXTENTS) throw invalid(where, 'its map has a bad length')
  const extents: Extent[] = []
  for (let i = 0; i < numbers.length; i += 2) {
    extents.push({ offset: decimal(numbers[i], where), length: decimal(numbers[i + 1], where) })
  }
  return extents
}

function decimal(text: ByteString | undefined, where: Where): number {
  const value = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw invalid(where, 'its map holds what is no number')
  return value
}

/** Reads the map before a pax 1.0 sparse file's data: numbers, one a line, filled up to a whole block. */
export async function readSparseMap(nextBlock: () => Promise<Buffer>, where: Where): Promise<readonly Extent[]> {
  let text = ''
  const lines: string[] = []
  let wanted = 1
  while (lines.length < wanted) {
    text += (await nextBlock()).toString('latin1')
    const parts = text.split('\n')
    text = parts.pop() ?? ''
    for (const part of parts) {
      if (lines.length === 0) wanted = 1 + 2 * decimal(part, where)
      if (lines.length < wanted) lines.push(part)
    }
    if (wanted > 2 * MAX_EXTENTS || text.length > 512) throw invalid(where, 'its map has a bad length')
  }
  return extentsOf(lines.slice(1), where)
}

/** Throws `TAR_SPARSE_INVALID` unless the extents are in order, inside the file and add up to the archive's bytes. */
export function checkSparse({ extents, size }: SparseMap, stored: number, where: Where): void {
  let end = 0
  let total = 0
  for (const { offset, length } of extents) {
    if (offset < end || offset + length > size) throw invalid(where, 'its map is out of order or larger than the file')
    end = offset + length
    total += length
  }
  if (total !== stored) throw invalid(where, `its map says ${total} bytes of data, the header ${stored}`)
}

/** Fills the holes: yields the file's whole content from the archive's bytes. */
export async function* expand(map: SparseMap, data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let at = 0
  let index = 0
  let inExtent = 0
  for await (const chunk of data) {
    let used = 0
    while (used < chunk.length) {
      const extent = map.extents[index] as Extent
      if (inExtent === 0) {
        yield* zeros(extent.offset - at)
        at = extent.offset
      }
      const piece = chunk.subarray(used, used + extent.length - inExtent)
      if (piece.length > 0) yield piece
      used += piece.length
      at += piece.length
      inExtent += piece.length
      if (inExtent === extent.length) {
        index++
        inExtent = 0
      }
    }
  }
  yield* zeros(map.size - at)
}

function* zeros(count: number): Generator<Uint8Array> {
  for (let left = count; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length))
}

function invalid(where: Where, why: string): ShaleError {
  return new ShaleError('TAR_SPARSE_INVALID', `${where()}: invalid sparse file: ${why}`)
}
