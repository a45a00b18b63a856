import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { isErrno, ShaleError } from '../error.ts'
import { decompressArchive } from '../layer/decompress-archive.ts'
import type { Digest } from '../oci/digest.ts'
import type { Lease, Store } from '../store/types.ts'
import type { OnTransferEvent } from '../transfer/events.ts'
import { shelveFolder } from './folder-shelf.ts'
import { loadDocker } from './load-docker.ts'
import { loadOci } from './load-oci.ts'
import type { Shelf } from './shelf.ts'
import { shelveTar } from './tar-shelf.ts'

export interface LoadOptions {
  readonly onEvent?: OnTransferEvent | undefined
  readonly signal?: AbortSignal | undefined
  /** For messages, of a source that has no path: `standard input` if absent. */
  readonly name?: string | undefined
}

export interface LoadedImage {
  /** The image ID: digest of the manifest or index. */
  readonly id: Digest
  /** Complete names that it was tagged with; empty when the archive names none. */
  readonly names: readonly string[]
}

/**
 * Brings every image of an archive into the store and tags it with the archive's names. Takes docker-archives of every
 * version since 1.10, OCI archives and OCI layout folders; archives plain or compressed with gzip, zstd, xz or bzip2.
 * Everything is verified: names, digests, sizes, diff IDs. Throws `NOT_AN_ARCHIVE`, `ARCHIVE_INCOMPLETE`,
 * `ARCHIVE_DAMAGED`, `DECOMPRESSOR_MISSING`, `UNSUPPORTED_COMPRESSION` (of a layer), `INVALID_REFERENCE` and what `ingestImage` throws.
 */
export async function loadArchive(
  store: Store,
  source: string | AsyncIterable<Uint8Array>,
  options: LoadOptions = {},
): Promise<readonly LoadedImage[]> {
  const lease = store.lease('load')
  try {
    const shelf = await openShelf(store, lease, source, options)
    if (shelf.has('index.json')) return await loadOci(store, lease, shelf, options)
    if (shelf.has('manifest.json')) return await loadDocker(store, lease, shelf, options)
    throw notAnArchive(shelf)
  } finally {
    lease.end()
  }
}

/** Opens an archive or OCI layout for reading; large members of an archive are in the store then, under the lease. */
export async function openShelf(
  store: Store,
  lease: Lease,
  source: string | AsyncIterable<Uint8Array>,
  options: LoadOptions,
): Promise<Shelf> {
  if (typeof source !== 'string') {
    return await openTar(store, lease, options.name ?? 'standard input', source, options.signal)
  }
  try {
    if ((await stat(source)).isDirectory()) return await shelveFolder(source)
    const bytes = createReadStream(source, { highWaterMark: 256 * 1024 })
    return await openTar(store, lease, source, bytes, options.signal)
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT', 'EACCES', 'ENOTDIR')) throw cause
    throw new ShaleError('ARCHIVE_UNREADABLE', `cannot read ${source}: ${REASONS[cause.code ?? ''] ?? cause.message}`, {
      cause,
    })
  }
}

const SAVERS = 'shale save, docker save and skopeo make image archives'

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  ENOTDIR: 'a part of the path is no folder',
}

async function openTar(
  store: Store,
  lease: Lease,
  name: string,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Shelf> {
  try {
    return await shelveTar(store, lease, name, decompressArchive(notEmpty(source, name)), signal)
  } catch (error) {
    throw inArchive(error, name)
  }
}

async function* notEmpty(source: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  let empty = true
  for await (const chunk of source) {
    empty &&= chunk.byteLength === 0
    yield chunk
  }
  if (empty) throw new ShaleError('NOT_AN_ARCHIVE', `${name} is empty`, { hint: SAVERS })
}

/** Errors of the tar and its compression, which know no name, get the archive's. */
function inArchive(error: unknown, name: string): unknown {
  if (!(error instanceof ShaleError)) return error
  if (error.code === 'LAYER_DAMAGED' || error.code === 'ARCHIVE_DAMAGED') {
    return new ShaleError('ARCHIVE_DAMAGED', `${name} cannot be decompressed: ${error.message}`, { cause: error })
  }
  if (!/^(?:TAR_|BLOB_|LAYER_TOO_LARGE$)/.test(error.code)) return error
  return new ShaleError(error.code, `${name}: ${error.message}`, { hint: error.hint, cause: error })
}

function notAnArchive(shelf: Shelf): ShaleError {
  const legacy = shelf.has('repositories')
  const found = shelf.sample().join(', ') || 'nothing'
  return new ShaleError(
    'NOT_AN_ARCHIVE',
    `${shelf.name} is not an image archive: it has neither index.json nor manifest.json, but ${found}`,
    {
      hint: legacy ? 'docker before 1.10 made it; save it again with a newer one' : SAVERS,
    },
  )
}
