import { scratchState } from '../build/base-image.ts'
import { changeConfig } from '../build/config-change.ts'
import { type ExportedImage, putImage } from '../build/export.ts'
import type { LayerWithBlob } from '../build/layer-blobs.ts'
import { ShaleError } from '../error.ts'
import { decompressArchive } from '../layer/decompress-archive.ts'
import { indexLayer } from '../layer/read.ts'
import { maxLayerSize } from '../layer/size-limit.ts'
import { ociLayerType } from '../oci/media-types.ts'
import type { Platform } from '../oci/platform.ts'
import type { Lease, Store } from '../store/types.ts'

export interface ImportOptions {
  /** What messages call the source. */
  readonly from: string
  /** Whole names of the new image. */
  readonly names: readonly string[]
  readonly platform: Platform
  /** Lines of a Dockerfile that say how to run it. */
  readonly changes: readonly string[]
  readonly message?: string | undefined
}

/**
 * Makes an image of one layer, which is a tar archive, plain or compressed with gzip, zstd, xz or bzip2. Throws
 * `NOT_AN_ARCHIVE`, `CHANGE_NOT_POSSIBLE`, `DECOMPRESSOR_MISSING` and what the reading of a layer throws.
 */
export async function importFiles(
  store: Store,
  source: AsyncIterable<Uint8Array>,
  { from, names, platform, changes, message = `Imported from ${from}` }: ImportOptions,
): Promise<ExportedImage['digest']> {
  const config = changeConfig(scratchState(platform), changes)
  const lease = store.lease('import')
  try {
    const layer = await takeLayer(store, lease, source).catch(error => {
      throw named(error, from)
    })
    const created = new Date().toISOString()
    const { os, architecture, variant } = platform
    const { digest } = await putImage({ store, lease, register: true }, [layer], {
      created,
      architecture,
      os,
      ...(variant !== undefined && { variant }),
      config,
      history: [{ created, comment: message }],
    })
    store.images.tagAll(names, digest, 'import')
    return digest
  } finally {
    lease.end()
  }
}

/** Stored and indexed in one pass over its bytes. */
async function takeLayer(store: Store, lease: Lease, source: AsyncIterable<Uint8Array>): Promise<LayerWithBlob> {
  const writer = store.blobs.writer(lease)
  async function* kept(): AsyncGenerator<Uint8Array> {
    for await (const chunk of decompressArchive(source)) {
      await writer.write(chunk)
      yield chunk
    }
  }
  try {
    const { toc, diffId } = await indexLayer(kept(), 'none', { maxSize: maxLayerSize() })
    if (toc.entries.length === 0) throw new ShaleError('NOT_AN_ARCHIVE', 'there are no files in it')
    const { digest, size } = await writer.commit({ digest: diffId })
    const { id } = await store.layers.add(lease, { toc, diffId })
    const blob = { digest, size, compression: 'none', mediaType: ociLayerType('none'), packer: 'imported' } as const
    return { record: store.layers.setPacked(lease, id, diffId, blob), blob }
  } catch (error) {
    await writer.abort()
    throw error
  }
}

function named(error: unknown, from: string): unknown {
  if (!(error instanceof ShaleError) || !/^(?:TAR_|LAYER_|ARCHIVE_DAMAGED|NOT_AN_)/.test(error.code)) return error
  return new ShaleError(error.code, `cannot import ${from}: ${error.message}`, { hint: error.hint, cause: error })
}
