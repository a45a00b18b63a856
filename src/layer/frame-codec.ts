import { promisify } from 'node:util'
import { constants, crc32, deflateRaw, deflateRawSync, zstdCompress, zstdCompressSync } from 'node:zlib'
import { ShaleError } from '../error.ts'
import type { Compression } from '../oci/media-types.ts'

/** Turns frames of plain bytes into parts of one valid compressed stream. Frames may be compressed at the same time. */
export interface FrameCodec {
  /** Bytes before the first frame. */
  readonly head: Uint8Array
  /** On libuv's thread pool; the frame may be reused once the promise is settled, unless `keepsFrames`. */
  compress(frame: Buffer): Promise<Buffer>
  /** The same bytes, on this thread. */
  compressSync(frame: Buffer): Buffer
  /** Bytes after the last frame. `observe` has seen every frame, in order. */
  tail(): Uint8Array
  /** Called with each frame in order, before it is compressed. */
  observe(frame: Uint8Array): void
  /** True when `compress` gives the frame itself. */
  readonly keepsFrames: boolean
}

export const DEFAULT_LEVEL: Readonly<Record<Compression, number>> = { none: 0, gzip: 6, zstd: 1 }
const MAX_LEVEL: Readonly<Record<Compression, number>> = { none: 0, gzip: 9, zstd: 19 }

const EMPTY = new Uint8Array(0)
const zstd = promisify(zstdCompress)
const deflate: (data: Buffer, options: object) => Promise<Buffer> = promisify(deflateRaw)

/** Throws `COMPRESSION_LEVEL_INVALID`: gzip has 1 to 9, zstd 1 to 19. */
export function frameCodec(compression: Compression, level: number): FrameCodec {
  const max = MAX_LEVEL[compression]
  if (!Number.isInteger(level) || level > max || level < Math.min(1, max)) {
    throw new ShaleError('COMPRESSION_LEVEL_INVALID', `compression level ${level} does not exist for ${compression}`, {
      hint: max === 0 ? 'plain layers have no level' : `choose 1 to ${max}`,
    })
  }
  if (compression === 'zstd') return zstdCodec(level)
  return compression === 'gzip' ? gzipCodec(level) : PLAIN
}

const PLAIN: FrameCodec = {
  head: EMPTY,
  compress: async frame => frame,
  compressSync: frame => frame,
  tail: () => EMPTY,
  observe: () => {},
  keepsFrames: true,
}

function zstdCodec(level: number): FrameCodec {
  // With a checksum a frame can be taken out of a blob, and a damaged one is known.
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 }
  const options = (frame: Buffer) => ({ params, pledgedSrcSize: frame.length, chunkSize: roomFor(frame) })
  return {
    head: EMPTY,
    compress: frame => zstd(frame, options(frame)),
    compressSync: frame => zstdCompressSync(frame, options(frame)),
    tail: () => EMPTY,
    observe: () => {},
    keepsFrames: false,
  }
}

/** One output chunk for the whole frame: each further one would cost a round trip to the main thread. */
function roomFor(frame: Buffer): number {
  return frame.length + (frame.length >> 7) + 512
}

/**
 * One gzip member whose deflate blocks come from several threads: each frame ends at a byte boundary (sync flush), the
 * last block is an empty one. Source: RFC 1951, RFC 1952.
 */
function gzipCodec(level: number): FrameCodec {
  let crc = 0
  let size = 0
  const options = (frame: Buffer) => ({ level, finishFlush: constants.Z_SYNC_FLUSH, chunkSize: roomFor(frame) })
  const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, level === 9 ? 2 : level === 1 ? 4 : 0, 0xff])
  return {
    head,
    compress: frame => deflate(frame, options(frame)),
    compressSync: frame => deflateRawSync(frame, options(frame)),
    tail: () => {
      const out = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
      out.writeUInt32LE(crc, 2)
      out.writeUInt32LE(size % 0x1_0000_0000, 6)
      return out
    },
    observe: frame => {
      crc = crc32(frame, crc)
      size += frame.length
    },
    keepsFrames: false,
  }
}
