import { ShaleError } from '../error.ts'
import type { FrameSize } from './frames.ts'

const SKIPPABLE_MAGIC = 0x184d2a50
const SEEK_TABLE_MAGIC = 0x184d2a5e
const SEEKABLE_MAGIC = 0x8f92eab1
const MAX_FRAMES = 0x8000000

/** A frame that zstd decoders pass over. Source: RFC 8878, section 3.1.2. */
export function skippableFrame(payload: Uint8Array): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(SKIPPABLE_MAGIC, 0)
  head.writeUInt32LE(payload.length, 4)
  return Buffer.concat([head, payload])
}

/**
 * The table of all frames before it, as the last frame of a blob. A frame without content (the table of contents) is
 * listed with content 0. Source: zstd's contrib/seekable_format, version 0.1.1.
 */
export function encodeSeekTable(frames: readonly FrameSize[]): Buffer {
  const out = Buffer.alloc(8 + frames.length * 8 + 9)
  out.writeUInt32LE(SEEK_TABLE_MAGIC, 0)
  out.writeUInt32LE(out.length - 8, 4)
  frames.forEach(({ compressed, content }, i) => {
    out.writeUInt32LE(compressed, 8 + i * 8)
    out.writeUInt32LE(content, 12 + i * 8)
  })
  out.writeUInt32LE(frames.length, out.length - 9)
  out.writeUInt32LE(SEEKABLE_MAGIC, out.length - 4)
  return out
}

/** Throws `SEEK_TABLE_INVALID` unless `bytes` are exactly one seek table. */
export function decodeSeekTable(bytes: Uint8Array): readonly FrameSize[] {
  const table = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const good =
    table.length >= 17 &&
    table.readUInt32LE(0) === SEEK_TABLE_MAGIC &&
    table.readUInt32LE(4) === table.length - 8 &&
    table.readUInt32LE(table.length - 4) === SEEKABLE_MAGIC
  const count = good ? table.readUInt32LE(table.length - 9) : -1
  if (count < 0 || count > MAX_FRAMES || table[table.length - 5] !== 0 || table.length !== 17 + count * 8) {
    throw new ShaleError('SEEK_TABLE_INVALID', 'a layer has no valid seek table where its descriptor says')
  }
  return Array.from({ length: count }, (_, i) => ({
    compressed: table.readUInt32LE(8 + i * 8),
    content: table.readUInt32LE(12 + i * 8),
  }))
}
