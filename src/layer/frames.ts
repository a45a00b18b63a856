import type { ByteString } from './entry.ts'

/**
 * How a layer's tar is cut into frames that are compressed apart. A frame ends before an entry whose path says so, with
 * a chance proportional to the entry's size: where other files change, come or go, the cuts elsewhere stay. Part of the
 * packer's version: another value gives other blobs.
 */
export const FRAME = {
  /** No frame is cut by a path before this size. */
  min: 256 * 1024,
  /** What cuts aim at. */
  target: 1024 * 1024,
  /** No frame is larger; a larger entry has frames of its own, all but the last of this size. */
  max: 4 * 1024 * 1024,
} as const

/** Whether a new frame begins with an entry of `size` bytes of tar, when the current one has `used`. */
export function cutsBefore(path: ByteString, size: number, used: number): boolean {
  if (used === 0) return false
  if (used + size > FRAME.max) return true
  return used >= FRAME.min && fnv1a(path) < (size / FRAME.target) * 0x1_0000_0000
}

/** FNV-1a with a final mix, 32 bits: the low-entropy end of similar paths must reach the high bits. */
function fnv1a(bytes: ByteString): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** One frame of a blob: bytes of tar it holds, bytes of blob it takes. */
export interface FrameSize {
  readonly content: number
  readonly compressed: number
}

export interface Frame extends FrameSize {
  /** What its plain bytes are known by; undefined where frames are not reused. */
  readonly id: string | undefined
  /** Of its compressed bytes. */
  readonly crc: number
}

/** Where a blob has a frame, in bytes, and the crc32 of its compressed bytes. */
export interface FramePlace {
  readonly at: number
  readonly length: number
  readonly crc: number
}

/** Frames of a blob at hand, by id. Plain data, for it goes to other threads. */
export interface ReusableFrames {
  /** The blob's file. */
  readonly path: string
  readonly places: ReadonlyMap<string, FramePlace>
}
