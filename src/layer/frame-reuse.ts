import { closeSync, openSync, readSync } from 'node:fs'
import { sha256 } from '../oci/digest.ts'
import { type ByteString, type Entry, sameEntry } from './entry.ts'
import { type FrameGroup, type FrameSize, frameGroups, framesOf } from './frames.ts'
import { decodeSeekTable } from './seek-table.ts'
import type { Toc } from './toc.ts'

/** Where the blob at hand has a frame, in bytes; its content is as many bytes of tar. */
export interface FramePlace {
  readonly at: number
  readonly length: number
  readonly content: number
}

/** A blob that the same packer made of another table: what both have in common need not be compressed again. */
export interface EarlierBlob {
  readonly path: string
  readonly toc: Toc
  /** `offset:size:digest` of its seek table. */
  readonly seekTable: string | undefined
}

interface KnownGroup {
  readonly group: FrameGroup
  readonly places: readonly FramePlace[]
}

/** Finds frames of an earlier blob that hold just what a group of entries makes. */
export class FrameReuse {
  readonly path: string
  readonly #entries: readonly Entry[]
  /** By the first entry's path. */
  readonly #groups: ReadonlyMap<ByteString, KnownGroup>

  private constructor(path: string, entries: readonly Entry[], groups: ReadonlyMap<ByteString, KnownGroup>) {
    this.path = path
    this.#entries = entries
    this.#groups = groups
  }

  /** Undefined when the blob has no whole seek table, or one that does not go with the table of contents. */
  static of({ path, toc, seekTable }: EarlierBlob): FrameReuse | undefined {
    const frames = readSeekTable(path, seekTable)
    const places = frames && placesOf(frames)
    if (places === undefined) return undefined
    const groups = new Map<ByteString, KnownGroup>()
    let next = 0
    for (const group of frameGroups(toc.entries)) {
      const count = framesOf(toc.entries, group)
      groups.set((toc.entries[group.from] as Entry).path, { group, places: places.slice(next, next + count) })
      next += count
    }
    // The end of the archive is the last frame with content.
    return next + 1 === places.length ? new FrameReuse(path, toc.entries, groups) : undefined
  }

  /** The frames of a group, in order; undefined unless every entry is the same, times and content included. */
  find(entries: readonly Entry[], { from, to }: FrameGroup): readonly FramePlace[] | undefined {
    const known = this.#groups.get((entries[from] as Entry).path)
    if (known === undefined || known.group.to - known.group.from !== to - from) return undefined
    for (let i = from; i < to; i++) {
      if (!sameEntry(entries[i] as Entry, this.#entries[known.group.from + i - from] as Entry)) return undefined
    }
    return known.places
  }
}

/** Frames without content are tables. */
function placesOf(frames: readonly FrameSize[]): readonly FramePlace[] {
  const places: FramePlace[] = []
  let at = 0
  for (const { content, compressed } of frames) {
    if (content > 0) places.push({ at, length: compressed, content })
    at += compressed
  }
  return places
}

/** Largest table that is read: that of a blob of two million frames. */
const MAX_TABLE = 16 * 1024 * 1024

function readSeekTable(path: string, place: string | undefined): readonly FrameSize[] | undefined {
  const match = /^(\d{1,15}):(\d{1,15}):(sha256:[0-9a-f]{64})$/.exec(place ?? '')
  const [, offset, size, digest] = match ?? []
  if (offset === undefined || Number(size) > MAX_TABLE) return undefined
  const table = readAt(path, Number(offset), Number(size))
  if (table === undefined || sha256(table) !== digest) return undefined
  try {
    return decodeSeekTable(table)
  } catch {
    return undefined
  }
}

/** In memory of their own; undefined when the file has no such bytes, or is gone. */
export function readAt(path: string, at: number, length: number): Buffer | undefined {
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
