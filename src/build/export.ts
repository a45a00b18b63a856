import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, sha256 } from '../oci/digest.ts'
import type { ExecutionConfig, HistoryEntry, ImageConfig } from '../oci/image-config.ts'
import type { Manifest } from '../oci/manifest.ts'
import { MediaType } from '../oci/media-types.ts'
import type { LayerBlob, LayerRecord, Lease, Store } from '../store/types.ts'
import type { BuildContext } from './build-context.ts'
import { imageLabels, withCreated } from './describe.ts'
import { stepKey } from './key.ts'
import type { LayerWithBlob } from './layer-blobs.ts'
import type { StageState } from './stage-state.ts'

/** The image that a stage has become: its documents are in the store, its digest is the image ID. */
export interface ExportedImage {
  readonly digest: Digest
  readonly manifest: Manifest
  readonly config: ImageConfig
  readonly mediaType: string
  /** Bytes of the manifest. */
  readonly size: number
}

/**
 * Packs what is not packed yet and writes config and manifest. Without `register` these are there for as long as the
 * build, or what else refers to them: for an archive or an index.
 */
export async function exportImage(context: BuildContext, state: StageState, register: boolean): Promise<ExportedImage> {
  const packed = await Promise.all(state.layers.map((_, index) => context.blobs.of(state.layers, index)))
  const { store, lease } = context
  return putImage({ store, lease, register }, packed, await imageConfig(context, state, packed))
}

export interface Putting {
  readonly store: Store
  readonly lease: Lease
  /** Else it is there for as long as the lease, or what else refers to it. */
  readonly register: boolean
}

/** Writes the documents of an image of packed layers, which its config is made to name. */
export async function putImage(
  { store, lease, register }: Putting,
  packed: readonly LayerWithBlob[],
  described: Omit<ImageConfig, 'rootfs'>,
): Promise<ExportedImage> {
  const { history, ...before } = described
  const config: ImageConfig = { ...before, rootfs: rootfsOf(packed), ...(history !== undefined && { history }) }
  const rawConfig = Buffer.from(JSON.stringify(config))
  const configBlob = await store.blobs.put(lease, rawConfig)
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, digest: configBlob.digest, size: configBlob.size },
    layers: packed.map(({ blob }) => layerDescriptor(blob)),
  }
  const raw = Buffer.from(JSON.stringify(manifest))
  const mediaType = MediaType.ociManifest
  const { digest, size } = register ? await store.images.add(lease, raw, mediaType) : await store.blobs.put(lease, raw)
  return { digest, manifest, config, mediaType, size }
}

function rootfsOf(packed: readonly LayerWithBlob[]): ImageConfig['rootfs'] {
  return { type: 'layers', diff_ids: packed.map(({ record }) => diffIdOf(record)) }
}

function layerDescriptor(blob: LayerBlob): Descriptor {
  const { mediaType, digest, size, annotations } = blob
  const some = annotations !== undefined && Object.keys(annotations).length > 0
  return { mediaType: ociType(mediaType), digest, size, ...(some && { annotations }) }
}

/** An OCI manifest names its layers by OCI types; a base pulled from Docker's registry may have Docker's. */
function ociType(mediaType: string): string {
  if (mediaType === MediaType.dockerLayerGzip) return MediaType.ociLayerGzip
  if (mediaType === MediaType.dockerLayerZstd) return MediaType.ociLayerZstd
  return mediaType === MediaType.dockerLayerTar ? MediaType.ociLayerTar : mediaType
}

async function imageConfig(
  context: BuildContext,
  state: StageState,
  packed: readonly LayerWithBlob[],
): Promise<ImageConfig> {
  const { options } = context
  const { os, architecture, variant } = state.platform
  const labels = imageLabels(state, options)
  const base = {
    architecture,
    os,
    ...(variant !== undefined && { variant }),
    ...(state.author !== undefined && { author: state.author }),
    config: withLabels(state.config, labels),
    rootfs: rootfsOf(packed),
  }
  const created = await createdTime(context, state, base)
  const config = withLabels(state.config, withCreated(labels, created, options))
  return { created, ...base, config, history: datedHistory(state.history, created, options.sourceDateEpoch) }
}

function withLabels(config: ExecutionConfig, labels: Readonly<Record<string, string>> | undefined): ExecutionConfig {
  return labels === undefined ? config : { ...config, Labels: labels }
}

function diffIdOf(record: LayerRecord): Digest {
  if (record.diffId === undefined) throw new Error(`layer ${record.contentId} was not packed`)
  return record.diffId
}

/** The epoch; else when an image like this was first made, so that a build of cache hits repeats its digest. */
async function createdTime(context: BuildContext, state: StageState, base: object): Promise<string> {
  const { sourceDateEpoch } = context.options
  if (sourceDateEpoch !== undefined) return new Date(sourceDateEpoch * 1000).toISOString()
  const { store, lease } = context
  const lines = state.history.map(({ created: _, ...rest }) => rest)
  const ingredients = [{ name: 'image', value: sha256(JSON.stringify([base, lines])) }]
  const key = stepKey('image', ingredients)
  const found = (await context.cacheFrom.find(key)).hit?.record
  const createdAt = found?.createdAt ?? Date.now()
  const step = { key, title: 'image', kind: 'image', ingredients, createdAt, durationMs: 0 }
  if (found === undefined) store.cache.put(lease, step)
  context.cacheTo.add(step)
  return new Date(createdAt).toISOString()
}

function datedHistory(
  history: readonly HistoryEntry[],
  created: string,
  epoch: number | undefined,
): readonly HistoryEntry[] {
  let last = created
  return history.map(line => {
    const own = line.comment === undefined && line.created !== undefined
    if (own && epoch === undefined) last = line.created as string
    if (line.created !== undefined && !own) return line
    const at = epoch === undefined ? (line.created ?? last) : created
    return { created: at, ...withoutCreated(line), comment: 'shale' }
  })
}

function withoutCreated({ created: _, ...rest }: HistoryEntry): HistoryEntry {
  return rest
}
