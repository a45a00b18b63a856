import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { BlobPart, BlobWriter, Lease, Store } from '../store/types.ts'
import { bounded, type ContentSource } from './content-source.ts'
import type { OnTransferEvent } from './events.ts'

/** Where blobs go and where they come from. */
export interface Receiving {
  readonly store: Store
  readonly lease: Lease
  readonly source: ContentSource
  readonly onEvent?: OnTransferEvent | undefined
  readonly signal: AbortSignal
}

/** Smaller blobs are fetched anew as fast as their parts are found. Bytes. */
const WORTH_KEEPING = 1024 * 1024

/**
 * Stores a blob, verified against its descriptor, while `consume` reads the same bytes to their end. What has arrived of
 * a large blob from a network stays when the connection ends for good or the process does, and the next attempt begins
 * with it; when it then turns out to be damaged, the blob is fetched from its first byte on.
 */
export async function receiveBlob<T>(
  receiving: Receiving,
  descriptor: Descriptor,
  consume: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const { store, source, onEvent } = receiving
  const keeps = source.origin !== undefined && descriptor.size >= WORTH_KEEPING
  const part = keeps ? store.partials.find(descriptor.digest) : undefined
  if (part === undefined || part.size > descriptor.size) return await attempt(receiving, descriptor, undefined, consume)
  const at = { failed: false }
  try {
    onEvent?.({ kind: 'detail', message: `${descriptor.digest} goes on at byte ${part.size} of ${descriptor.size}` })
    return await attempt(receiving, descriptor, part, consume, at)
  } catch (error) {
    if (at.failed || receiving.signal.aborted || isDiskFull(error)) throw error
    store.partials.drop(descriptor.digest)
    const why = error instanceof Error ? error.message : String(error)
    onEvent?.({ kind: 'detail', message: `${descriptor.digest} begins anew, what was kept of it is damaged: ${why}` })
    return await attempt(receiving, descriptor, undefined, consume)
  }
}

/** Told whether it was the source that failed, and not what was made of its bytes. */
interface SourceState {
  failed: boolean
}

async function attempt<T>(
  receiving: Receiving,
  descriptor: Descriptor,
  part: BlobPart | undefined,
  consume: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
  state: SourceState = { failed: false },
): Promise<T> {
  const { store, lease, source, signal } = receiving
  const keeps = source.origin !== undefined && descriptor.size >= WORTH_KEEPING
  const partial = keeps ? store.partials.writer(lease, descriptor.digest, source.origin) : undefined
  const writer = partial ?? store.blobs.writer(lease)
  try {
    const bytes = bounded(source, descriptor, signal, incoming(receiving, descriptor, part, state))
    const result = await consume(tee(bytes, writer))
    await writer.commit(descriptor)
    return result
  } catch (error) {
    if ((state.failed || signal.aborted) && !lies(error)) partial?.suspend()
    throw error
  } finally {
    await writer.abort()
  }
}

/** Of a source that gives other bytes than it should nothing is kept. */
function lies(error: unknown): boolean {
  return error instanceof ShaleError && /^(?:BLOB_SIZE_MISMATCH|BLOB_DIGEST_MISMATCH|BAD_RANGE)$/.test(error.code)
}

function isDiskFull(error: unknown): boolean {
  return error instanceof ShaleError && error.code === 'DISK_FULL'
}

async function* incoming(
  { source, signal }: Receiving,
  descriptor: Descriptor,
  part: BlobPart | undefined,
  state: SourceState,
): AsyncGenerator<Uint8Array> {
  if (part !== undefined) yield* part.open()
  try {
    yield* source.stream(descriptor, signal, part?.size ?? 0)
  } catch (error) {
    state.failed = true
    throw error
  }
}

async function* tee(bytes: AsyncIterable<Uint8Array>, writer: BlobWriter): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    await writer.write(chunk)
    yield chunk
  }
}
