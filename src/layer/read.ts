import { createHash, hash } from 'node:crypto'
import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import type { Compression } from '../oci/media-types.ts'
import { readTar } from '../tar/read.ts'
import { entryOf, type OpaqueMark } from './clean.ts'
import { decompress } from './compression.ts'
import type { Entry } from './entry.ts'
import type { Toc } from './toc.ts'
import { TocBuilder } from './toc-builder.ts'
import { TOC_LIMITS } from './toc-format.ts'

/** One member of a layer as it streams by. */
export interface LayerMember {
  /** A file's digest is still empty: its content has not been read. A hard link's target is as the archive has it. */
  readonly entry: Entry | OpaqueMark
  /** The whole content of a file of at most 64 KiB. */
  readonly whole?: Uint8Array
  /** The content, to be read before the next member is asked for, or not at all. */
  readonly content: AsyncIterable<Uint8Array>
}

export interface LayerExpectation {
  readonly diffId?: Digest | undefined
  /** Most members; default 4,000,000. */
  readonly maxEntries?: number | undefined
  /** Most bytes of file content, holes included; no limit by default. */
  readonly maxSize?: number | undefined
}

export interface LayerReading {
  /** To be iterated once. Throws what `readLayer` says. */
  readonly members: AsyncGenerator<LayerMember, void, undefined>
  /** Digest of the plain tar; known once `members` has ended. */
  diffId(): Digest
}

/**
 * The members of a layer's blob: decompressed, paths clean, whiteouts recognised. Reads the source to its end and then
 * throws `LAYER_DIFF_ID_MISMATCH` when the plain tar's digest is not the expected one; before that, what the tar reader,
 * `decompress` and the source throw, `LAYER_INVALID`, `LAYER_TOO_LARGE`, and for hostile paths `TAR_PATH_ESCAPES`.
 */
export function readLayer(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  expected: LayerExpectation = {},
): AsyncGenerator<LayerMember, void, undefined> {
  return openLayer(source, compression, expected).members
}

/** As `readLayer`, and tells the diff ID. */
export function openLayer(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  expected: LayerExpectation = {},
): LayerReading {
  let diffId: Digest | undefined
  async function* members(): AsyncGenerator<LayerMember, void, undefined> {
    const hasher = createHash('sha256')
    yield* membersOf(observe(decompress(source, compression), hasher), expected)
    diffId = `sha256:${hasher.digest('hex')}`
    if (expected.diffId !== undefined && expected.diffId !== diffId) throw mismatch(expected.diffId, diffId)
  }
  return {
    members: members(),
    diffId: () => {
      if (diffId === undefined) throw new Error('a layer has a diff ID only when it was read to its end')
      return diffId
    },
  }
}

async function* membersOf(tar: AsyncIterable<Uint8Array>, limits: LayerExpectation): AsyncGenerator<LayerMember> {
  const { maxEntries = TOC_LIMITS.entries, maxSize = Number.MAX_SAFE_INTEGER } = limits
  let entries = 0
  let size = 0
  for await (const { header, whole, content } of readTar(tar)) {
    const entry = entryOf(header)
    if (entry === undefined) continue
    if (++entries > maxEntries) throw tooLarge(`more than ${maxEntries} entries`)
    if (entry.kind === 'file') size += entry.size
    if (size > maxSize) throw tooLarge(`more than ${maxSize} bytes of files`)
    yield whole === undefined ? { entry, content } : { entry, content, whole }
  }
}

async function* observe(
  source: AsyncIterable<Uint8Array>,
  hasher: { update(chunk: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    hasher.update(chunk)
    yield chunk
  }
}

/** Reads a layer for its table alone: hashes every file, keeps none. Throws as `readLayer`. */
export async function indexLayer(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  expected: LayerExpectation = {},
): Promise<{ readonly toc: Toc; readonly diffId: Digest }> {
  const reading = openLayer(source, compression, expected)
  const builder = new TocBuilder()
  for await (const member of reading.members) {
    const { entry } = member
    builder.add(entry.kind === 'file' ? { ...entry, digest: await contentDigest(member) } : entry)
  }
  return { toc: builder.finish(), diffId: reading.diffId() }
}

async function contentDigest({ whole, content }: LayerMember): Promise<string> {
  if (whole !== undefined) return hash('sha256', whole, 'hex')
  const hasher = createHash('sha256')
  for await (const chunk of content) hasher.update(chunk)
  return hasher.digest('hex')
}

function tooLarge(why: string): ShaleError {
  return new ShaleError('LAYER_TOO_LARGE', `the layer has ${why}`, {
    hint: 'it is most likely hostile; SHALE_MAX_LAYER_SIZE sets another limit for bytes, such as 200g',
  })
}

function mismatch(expected: Digest, got: Digest): ShaleError {
  return new ShaleError(
    'LAYER_DIFF_ID_MISMATCH',
    `the layer's plain tar has digest ${got}, the image's config says ${expected}`,
    {
      hint: 'the layer does not belong to this image, or was damaged where it comes from',
    },
  )
}
