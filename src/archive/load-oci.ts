import { createHash } from 'node:crypto'
import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts'
import { type Index, MAX_DOCUMENT_BYTES, type Manifest, parseManifest } from '../oci/manifest.ts'
import { layerCompression, MediaType } from '../oci/media-types.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import type { Lease, Store } from '../store/types.ts'
import { imagesOf } from '../transfer/choose.ts'
import { type ContentSource, skipping } from '../transfer/content-source.ts'
import { ingestImage } from '../transfer/ingest.ts'
import { ingestArtifact, ingestDocument } from '../transfer/ingest-blob.ts'
import { blobPath, CONTAINERD_NAME, REF_NAME } from './layout.ts'
import type { LoadedImage, LoadOptions } from './load.ts'
import type { Shelf } from './shelf.ts'
import { findTwin } from './twin.ts'

interface Load {
  readonly store: Store
  readonly lease: Lease
  readonly shelf: Shelf
  readonly source: ContentSource
  readonly options: LoadOptions
}

/** Loads every image that `index.json` names. Source: OCI image-spec v1.1 image-layout.md. */
export async function loadOci(
  store: Store,
  lease: Lease,
  shelf: Shelf,
  options: LoadOptions,
): Promise<readonly LoadedImage[]> {
  const index = await readIndex(shelf)
  const load: Load = { store, lease, shelf, source: layoutContent(shelf), options }
  const loaded: LoadedImage[] = []
  for (const { descriptor, names } of namedManifests(index)) {
    loaded.push({ id: await loadTop(load, descriptor, names), names })
  }
  for (const { id, names } of loaded) for (const name of names) store.images.tag(name, id, 'load')
  return loaded
}

/** The entries of a layout's `index.json`. Throws `INVALID_INDEX`. */
export async function readIndex(shelf: Shelf): Promise<Index> {
  const document = parseManifest(await shelf.read('index.json', MAX_DOCUMENT_BYTES), MediaType.ociIndex)
  if (document.kind === 'index') return document.index
  throw new ShaleError('INVALID_INDEX', `${shelf.name}: index.json is no image index`)
}

/** The blobs of a layout. */
export function layoutContent(shelf: Shelf): ContentSource {
  return {
    name: shelf.name,
    stream: ({ digest }, _, from) => skipping(shelf.stream(blobPath(digest)), from),
  }
}

interface NamedManifest {
  readonly descriptor: Descriptor
  readonly names: readonly string[]
}

/** Each manifest once, with all its names. */
function namedManifests(index: Index): readonly NamedManifest[] {
  const found = new Map<Digest, NamedManifest>()
  for (const descriptor of index.manifests) {
    const names = found.get(descriptor.digest)?.names ?? []
    const name = nameOf(descriptor)
    const all = name === undefined || names.includes(name) ? names : [...names, name]
    found.set(descriptor.digest, { descriptor, names: all })
  }
  return [...found.values()]
}

/** The complete name, if there is one: a bare tag, as umoci writes it, says nothing of the repository. */
function nameOf({ annotations }: Descriptor): string | undefined {
  const complete = annotations?.[CONTAINERD_NAME]
  const short = annotations?.[REF_NAME]
  const text = complete ?? (short !== undefined && /[/:]/.test(short) ? short : undefined)
  if (text === undefined) return undefined
  const reference = parseReference(text)
  return reference.digest === undefined ? formatReference(reference) : undefined
}

/** Gives the image's ID. */
export async function loadTop(load: Load, descriptor: Descriptor, names: readonly string[]): Promise<Digest> {
  const raw = await readDocument(load.shelf, descriptor)
  const document = parseManifest(raw, descriptor.mediaType)
  if (document.kind === 'index') await loadIndex(load, raw, document.mediaType, document.index)
  else {
    const { store, lease, shelf } = load
    const { config, layers } = document.manifest
    // Beside manifest.json, a manifest over plain layers was made for the archive only: see `findTwin`.
    const made = shelf.has('manifest.json') && layers.every(layer => layerCompression(layer.mediaType) === 'none')
    const twin = made ? await findTwin(store, lease, config.digest, names) : undefined
    if (twin !== undefined) return twin
    await loadManifest(load, raw, descriptor)
  }
  return descriptor.digest
}

/** Loads what is there of an index: archives often hold one platform's image only. */
async function loadIndex(load: Load, raw: Buffer, mediaType: string, index: Index): Promise<void> {
  const images = new Set(imagesOf(index))
  let loaded = 0
  for (const child of index.manifests) {
    if (!load.shelf.has(blobPath(child.digest))) continue
    const childRaw = await readDocument(load.shelf, child)
    const document = parseManifest(childRaw, child.mediaType)
    if (document.kind !== 'manifest' || !isWhole(load.shelf, document.manifest)) continue
    if (images.has(child)) loaded++
    await loadManifest(load, childRaw, child)
  }
  if (loaded === 0) {
    throw new ShaleError('ARCHIVE_INCOMPLETE', `${load.shelf.name} has an index, but none of its images is whole`)
  }
  await load.store.images.add(load.lease, raw, mediaType)
}

function isWhole(shelf: Shelf, manifest: Manifest): boolean {
  return [manifest.config, ...manifest.layers].every(({ digest }) => shelf.has(blobPath(digest)))
}

async function loadManifest(load: Load, raw: Buffer, descriptor: Descriptor): Promise<void> {
  const { store, lease, source, options } = load
  const document = parseManifest(raw, descriptor.mediaType)
  if (document.kind !== 'manifest') throw new ShaleError('INVALID_MANIFEST', `${source.name}: an index in an index`)
  options.onEvent?.({ kind: 'manifest', digest: descriptor.digest, mediaType: document.mediaType })
  const attached = descriptor.annotations?.['vnd.docker.reference.type'] !== undefined
  if (attached) {
    await ingestArtifact(store, lease, source, document.manifest, options.signal)
    await ingestDocument(store, lease, raw, descriptor)
  } else await ingestImage(store, lease, source, raw, document.mediaType, options)
}

/** A manifest or index of a layout, verified. Throws `ARCHIVE_INCOMPLETE`, `BLOB_DIGEST_MISMATCH`. */
export async function readDocument(shelf: Shelf, { digest, size }: Descriptor): Promise<Buffer> {
  const raw = await shelf.read(blobPath(digest), MAX_DOCUMENT_BYTES)
  const found = createHash(digestAlgorithm(digest)).update(raw).digest('hex')
  if (found === digestHex(digest) && raw.byteLength === size) return raw
  throw new ShaleError(
    'BLOB_DIGEST_MISMATCH',
    `${shelf.name}: ${blobPath(digest)} is not what its name says: it has ${raw.byteLength} bytes and digest ${found}`,
    { hint: 'the archive is damaged' },
  )
}
