import { ShaleError } from '../../error.ts'
import { hasBlob } from './blobs.ts'
import { expectStatus } from './failure.ts'
import { discard, type HttpResponse } from './http.ts'
import { isTransient, isTransientStatus } from './retry.ts'
import type { UploadContent } from './upload.ts'
import type { UploadMemory } from './upload-memory.ts'
import {
  nextUrl,
  patchUpload,
  putUpload,
  receivedBytes,
  startUpload,
  type Uploading,
  type UploadSession,
  type UploadStatus,
  uploadAttempt,
  uploadStatus,
} from './upload-session.ts'

export interface ChunkOptions {
  readonly session: UploadSession | undefined
  readonly memory: UploadMemory
  /** Bytes. */
  readonly chunkSize: number
}

/** Failures in a row without a byte getting through. */
const MAX_FAILURES = 5
/** What registries answer that take no chunks, or none of this kind. */
const NO_CHUNKS = new Set([400, 405, 411, 415, 501])

/** An upload and how far it has come. */
interface Progress extends UploadStatus {
  readonly chunkSize: number
  /** True while nothing was sent that the registry could have objected to. */
  readonly fresh: boolean
}

/**
 * Uploads in chunks. After a failure the registry is asked how far it has come; an upload that it has forgotten begins
 * anew. `no chunks` when it takes none.
 */
export async function uploadChunks(
  uploading: Uploading,
  content: UploadContent,
  options: ChunkOptions,
): Promise<'done' | 'no chunks'> {
  const { registry, address, signal } = uploading
  const { memory } = options
  let progress = await begin(uploading, content, options)
  for (let failures = 0; ; ) {
    signal?.throwIfAborted()
    // Before the bytes, so that a process which is killed on the way leaves word of where they went.
    await memory.remember(registry, address, progress.url)
    const step = await nextStep(uploading, content, progress)
    if (step.kind === 'no chunks' || step.kind === 'done') {
      await memory.forget(registry, address)
      return step.kind
    }
    if (step.kind === 'moved') {
      progress = step.progress
      failures = 0
      continue
    }
    const before = progress.offset
    if (++failures >= MAX_FAILURES) throw step.error
    await registry.pause(failures, signal, step.response)
    // The answer may be what was lost.
    if (await hasBlob(registry, address, signal)) return 'done'
    progress = await recover(uploading, progress, options)
    if (progress.offset > before) failures = 0
  }
}

type Step =
  | { readonly kind: 'done' }
  | { readonly kind: 'no chunks' }
  | { readonly kind: 'moved'; readonly progress: Progress }
  | { readonly kind: 'failed'; readonly error: unknown; readonly response?: HttpResponse | undefined }

async function nextStep(uploading: Uploading, content: UploadContent, progress: Progress): Promise<Step> {
  try {
    if (progress.offset === content.size) return await finish(uploading, progress)
    return await sendChunk(uploading, content, progress)
  } catch (error) {
    if (!isTransient(error)) throw error
    return { kind: 'failed', error }
  }
}

async function sendChunk(uploading: Uploading, content: UploadContent, progress: Progress): Promise<Step> {
  const { url, offset, chunkSize, fresh } = progress
  const size = Math.min(chunkSize, content.size - offset)
  const body = { size, open: () => firstBytes(content.open(offset), size) }
  const response = await patchUpload(uploading, url, offset, body)
  if (fresh && NO_CHUNKS.has(response.status)) {
    discard(response)
    return { kind: 'no chunks' }
  }
  if (!isForgiven(response.status)) {
    await expectStatus(response, [200, 202, 204], uploadAttempt(uploading))
    discard(response)
    const received = receivedBytes(response) ?? offset + size
    return { kind: 'moved', progress: { url: nextUrl(response, url), offset: received, chunkSize, fresh: false } }
  }
  return await failed(uploading, response)
}

async function finish(uploading: Uploading, { url }: Progress): Promise<Step> {
  const response = await putUpload(uploading, url, { size: 0, open: () => firstBytes(undefined, 0) })
  if (isForgiven(response.status)) return await failed(uploading, response)
  await expectStatus(response, [200, 201, 202, 204], uploadAttempt(uploading))
  discard(response)
  return { kind: 'done' }
}

/** Of these the registry's own view of the upload tells what to do: 404 is a forgotten session, 416 another offset. */
function isForgiven(status: number): boolean {
  return status === 404 || status === 416 || isTransientStatus(status)
}

async function failed(uploading: Uploading, response: HttpResponse): Promise<Step> {
  const error = await expectStatus(response, [], uploadAttempt(uploading)).catch((refusal: unknown) => refusal)
  return { kind: 'failed', error, response }
}

/** Goes on with what was interrupted, if the registry still has it. */
async function begin(uploading: Uploading, content: UploadContent, options: ChunkOptions): Promise<Progress> {
  const { registry, address } = uploading
  const known = await options.memory.recall(registry, address)
  const status = known && (await uploadStatus(uploading, known).catch(forgetTrouble))
  if (status === undefined || status.offset > content.size) return await anew(uploading, options.session, options)
  return { ...status, chunkSize: options.chunkSize, fresh: false }
}

/** An address that was noted may lead nowhere by now; the upload itself tells what is wrong with the registry. */
function forgetTrouble(error: unknown): undefined {
  if (error instanceof ShaleError || isTransient(error)) return undefined
  throw error
}

async function recover(uploading: Uploading, progress: Progress, options: ChunkOptions): Promise<Progress> {
  const status = await uploadStatus(uploading, progress.url)
  if (status === undefined) return await anew(uploading, undefined, options)
  return { ...progress, ...status }
}

async function anew(
  uploading: Uploading,
  session: UploadSession | undefined,
  { chunkSize }: ChunkOptions,
): Promise<Progress> {
  const { url, minChunk } = session ?? (await startUpload(uploading))
  return { url, offset: 0, chunkSize: Math.max(chunkSize, minChunk), fresh: true }
}

async function* firstBytes(bytes: AsyncIterable<Uint8Array> | undefined, size: number): AsyncGenerator<Uint8Array> {
  let left = size
  if (bytes === undefined || left === 0) return
  for await (const chunk of bytes) {
    yield chunk.subarray(0, left)
    left -= chunk.byteLength
    if (left <= 0) return
  }
}
