import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { type ImageConfig, parseImageConfig } from '../oci/image-config.ts'
import { type Index, type Manifest, type ManifestDocument, parseManifest } from '../oci/manifest.ts'
import { MediaType } from '../oci/media-types.ts'
import { incompleteImage } from './image-incomplete.ts'
import type { BlobStore } from './types.ts'

/** Something that a document names and that must stay as long as the document does. */
export interface DocumentRef {
  readonly role: 'config' | 'layer' | 'manifest'
  readonly digest: Digest
  /** Of a layer: which layer record it belongs to. */
  readonly diffId?: Digest | undefined
}

/** A manifest or index together with what the store notes of it. */
export interface ImageDocument {
  readonly digest: Digest
  readonly mediaType: string
  readonly kind: 'manifest' | 'index'
  readonly refs: readonly DocumentRef[]
  /** Absent for an index and for a manifest whose config is no image config. */
  readonly config?: ImageConfig | undefined
}

export interface LoadedImage {
  readonly document: ImageDocument
  /** The index' manifests that are there. */
  readonly children: readonly ImageDocument[]
}

/** Reads what a manifest or index names, as far as the store has it. Throws `IMAGE_INCOMPLETE`. */
export async function loadImage(
  blobs: BlobStore,
  digest: Digest,
  raw: Uint8Array,
  mediaType: string,
): Promise<LoadedImage> {
  const parsed = parseManifest(raw, mediaType)
  if (parsed.kind === 'manifest') return { document: await loadManifest(blobs, digest, parsed), children: [] }
  const children: ImageDocument[] = []
  let incomplete: ShaleError | undefined
  for (const child of parsed.index.manifests) {
    if (blobs.size(child.digest) === undefined) continue
    try {
      children.push(await loadChild(blobs, child))
    } catch (error) {
      if (!(error instanceof ShaleError) || error.code !== 'IMAGE_INCOMPLETE') throw error
      incomplete = error
    }
  }
  if (children.length === 0) {
    throw incomplete ?? new ShaleError('IMAGE_INCOMPLETE', `index ${digest}: the store has none of its manifests`)
  }
  return { document: indexDocument(digest, parsed.mediaType, children), children }
}

async function loadChild(blobs: BlobStore, child: Descriptor): Promise<ImageDocument> {
  const parsed = parseManifest(await blobs.read(child.digest), child.mediaType)
  if (parsed.kind === 'manifest') return await loadManifest(blobs, child.digest, parsed)
  throw new ShaleError('INVALID_INDEX', `index ${child.digest} is inside another index, which image tools do not read`)
}

function indexDocument(digest: Digest, mediaType: string, children: readonly ImageDocument[]): ImageDocument {
  const refs = children.map((child): DocumentRef => ({ role: 'manifest', digest: child.digest }))
  return { digest, mediaType, kind: 'index', refs }
}

async function loadManifest(
  blobs: BlobStore,
  digest: Digest,
  parsed: Extract<ManifestDocument, { readonly kind: 'manifest' }>,
): Promise<ImageDocument> {
  const { manifest, mediaType } = parsed
  const missing = missingBlobs(blobs, manifest)
  if (missing.length > 0) throw incompleteImage(digest, missing)
  const config = await readConfig(blobs, manifest)
  const diffIds = config?.rootfs.diff_ids ?? []
  if (config !== undefined && diffIds.length !== manifest.layers.length) {
    const counts = `its config names ${diffIds.length} layers, the manifest ${manifest.layers.length}`
    throw new ShaleError('INVALID_MANIFEST', `manifest ${digest}: ${counts}`)
  }
  const layers = manifest.layers.map(
    (layer, i): DocumentRef => ({ role: 'layer', digest: layer.digest, diffId: diffIds[i] }),
  )
  const refs: readonly DocumentRef[] = [{ role: 'config', digest: manifest.config.digest }, ...layers]
  return { digest, mediaType, kind: 'manifest', refs, config }
}

/** Manifests of other artifacts (signatures, attestations) have configs of other types. */
async function readConfig(blobs: BlobStore, manifest: Manifest): Promise<ImageConfig | undefined> {
  const { mediaType, digest } = manifest.config
  if (mediaType !== MediaType.ociConfig && mediaType !== MediaType.dockerConfig) return undefined
  return parseImageConfig(await blobs.read(digest))
}

function missingBlobs(blobs: BlobStore, manifest: Manifest): string[] {
  const missing: string[] = []
  if (blobs.size(manifest.config.digest) === undefined) missing.push(`config ${manifest.config.digest}`)
  for (const layer of manifest.layers) {
    if (blobs.size(layer.digest) === undefined) missing.push(`layer ${layer.digest}`)
  }
  return missing
}

/** Reads a stored index; undefined when the document is a manifest. */
export async function readIndex(blobs: BlobStore, digest: Digest, mediaType: string): Promise<Index | undefined> {
  const parsed = parseManifest(await blobs.read(digest), mediaType)
  return parsed.kind === 'index' ? parsed.index : undefined
}
