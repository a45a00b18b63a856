import { closeSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { sha256 } from '../oci/digest.ts'
import type { Frame, FramePlace, ReusableFrames } from './frames.ts'
import { skippableFrame } from './seek-table.ts'

/** In a descriptor: `offset:size:digest` of the frame table in the blob, its 8-byte header included. */
export const FRAME_IDS_ANNOTATION = 'dev.shale.frame-ids'

/*
 * The table, a skippable frame; of each frame, little-endian:
 *   id 32 bytes, crc32 of the compressed bytes u32, length of the compressed bytes u32.
 */
const ROW = 40
const HEAD = 8
const ID = 32

export function encodeFrameTable(frames: readonly Frame[]): Buffer {
  const rows = Buffer.alloc(frames.length * ROW)
  frames.forEach(({ id = '', crc, compressed }, i) => {
    rows.write(id, i * ROW, 'hex')
    rows.writeUInt32LE(crc, i * ROW + ID)
    rows.writeUInt32LE(compressed, i * ROW + ID + 4)
  })
  return skippableFrame(rows)
}

/** The frames of a blob in a file, if it has a whole table of them. */
export function reusableFrames(
  path: string,
  annotations: Readonly<Record<string, string>>,
): ReusableFrames | undefined {
  const table = readTable(path, annotations[FRAME_IDS_ANNOTATION])
  if (table === undefined) return undefined
  const places = new Map<string, FramePlace>()
  for (let row = HEAD, at = 0; row + ROW <= table.length; row += ROW) {
    const length = table.readUInt32LE(row + ID + 4)
    places.set(table.toString('hex', row, row + ID), { at, length, crc: table.readUInt32LE(row + ID) })
    at += length
  }
  return { path, places }
}

/** A frame's compressed bytes in memory of their own; undefined when the blob has none, no longer, or a damaged one. */
export function readFrame({ path, places }: ReusableFrames, id: string): Buffer | undefined {
  const place = places.get(id)
  const bytes = place === undefined ? undefined : readAt(path, place.at, place.length)
  return bytes !== undefined && crc32(bytes) === place?.crc ? bytes : undefined
}

/** Largest table that is read: that of a blob of 400,000 frames. */
const MAX_TABLE = 16 * 1024 * 1024

function readTable(path: string, place: string | undefined): Buffer | undefined {
  const match = /^(\d{1,15}):(\d{1,15}):(sha256:[0-9a-f]{64})$/.exec(place ?? '')
  const [, offset, size, digest] = match ?? []
  if (offset === undefined || Number(size) > MAX_TABLE) return undefined
  const table = readAt(path, Number(offset), Number(size))
  return table !== undefined && sha256(table) === digest ? table : undefined
}

/** Undefined when the file has no such bytes. */
function readAt(path: string, at: number, length: number): Buffer | undefined {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return undefined
  }
  try {
    const bytes = Buffer.allocUnsafeSlow(length)
    let got = 0
    while (got < length) {
      const read = readSync(fd, bytes, got, length - got, at + got)
      if (read === 0) return undefined
      got += read
    }
    return bytes
  } finally {
    closeSync(fd)
  }
}
