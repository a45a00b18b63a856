import { ShaleError } from '../../error.ts'
import { type BlobAddress, hasBlob } from './blobs.ts'
import { expectStatus } from './failure.ts'
import { discard } from './http.ts'
import type { Registry } from './registry.ts'
import { isTransient } from './retry.ts'
import { uploadChunks } from './upload-chunks.ts'
import { NO_MEMORY, type UploadMemory } from './upload-memory.ts'
import { putUpload, startUpload, type Uploading, type UploadSession, uploadAttempt } from './upload-session.ts'

/** A blob that is to be uploaded. */
export interface UploadContent {
  /** Bytes. */
  readonly size: number
  /** The bytes from an offset on; may be called again. */
  open(from: number): AsyncIterable<Uint8Array>
}

export interface UploadOptions {
  /** One that is open already. */
  readonly session?: UploadSession | undefined
  /** For blobs in chunks: where an interrupted upload was going. */
  readonly memory?: UploadMemory | undefined
  readonly signal?: AbortSignal | undefined
  /** Bytes; larger blobs go in chunks of this size. 32 MiB if absent. */
  readonly chunkSize?: number | undefined
}

const CHUNK_SIZE = 32 * 1024 * 1024
const UPLOAD_ATTEMPTS = 3

/**
 * Uploads a blob: a small one in one request, a large one in chunks, so that an upload which is interrupted goes on where
 * it was. A registry that takes no chunks gets it in one piece as well.
 */
export async function uploadBlob(
  registry: Registry,
  address: BlobAddress,
  content: UploadContent,
  options: UploadOptions = {},
): Promise<void> {
  const { session, signal, memory = NO_MEMORY, chunkSize = CHUNK_SIZE } = options
  const uploading = { registry, address, signal }
  if (content.size <= chunkSize) return await uploadWhole(uploading, content, session)
  const done = await uploadChunks(uploading, content, { session, memory, chunkSize })
  if (done === 'no chunks') await uploadWhole(uploading, content, undefined)
}

/** A session that failed on the way has taken some of the bytes, so after a failure that may pass another is opened. */
async function uploadWhole(
  uploading: Uploading,
  content: UploadContent,
  session: UploadSession | undefined,
): Promise<void> {
  const { registry, address, signal } = uploading
  let opened = session
  for (let attempt = 1; ; attempt++) {
    try {
      const { url } = opened ?? (await startUpload(uploading))
      const response = await putUpload(uploading, url, { size: content.size, open: () => content.open(0) })
      await expectStatus(response, [200, 201, 202, 204], uploadAttempt(uploading))
      return discard(response)
    } catch (error) {
      if (!passes(error) || attempt >= UPLOAD_ATTEMPTS || signal?.aborted) throw error
      opened = undefined
      await registry.pause(attempt, signal)
      // The answer may be what was lost.
      if (await hasBlob(registry, address, signal)) return
    }
  }
}

function passes(error: unknown): boolean {
  return (
    isTransient(error) || (error instanceof ShaleError && /^(?:REGISTRY_FAILED|TOO_MANY_REQUESTS)$/.test(error.code))
  )
}
