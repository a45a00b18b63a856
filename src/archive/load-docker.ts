import * as z from 'zod/mini'
import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, sha256 } from '../oci/digest.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import { checked, MAX_DOCUMENT_BYTES, parseJson } from '../oci/manifest.ts'
import { MediaType, ociLayerType } from '../oci/media-types.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import type { Lease, Store } from '../store/types.ts'
import { cleanMemberPath } from '../tar/path.ts'
import { type ContentSource, skipping } from '../transfer/content-source.ts'
import { ingestImage } from '../transfer/ingest.ts'
import { sniffSource } from '../transfer/sniff.ts'
import type { LoadedImage, LoadOptions } from './load.ts'
import { encodeManifest } from './plain-manifest.ts'
import type { Shelf } from './shelf.ts'
import { findTwin } from './twin.ts'

const manifestSchema = z
  .array(
    z.looseObject({
      Config: z.string(),
      RepoTags: z.nullish(z.array(z.string())),
      Layers: z.nullish(z.array(z.string()).check(z.maxLength(4096))),
    }),
  )
  .check(z.maxLength(4096))

type Entry = z.infer<typeof manifestSchema>[number]

/**
 * Loads what `manifest.json` names. A docker-archive has no manifests of the kind that images have digests by, so one is
 * made: an OCI manifest over the layers as they lie in the archive, plain tars mostly. It depends on their bytes alone,
 * so the same archive gives the same image ID in every store that lacks the image; one that has it keeps its own (see
 * `findTwin`). Source: moby's image/spec v1.2.
 */
export async function loadDocker(
  store: Store,
  lease: Lease,
  shelf: Shelf,
  options: LoadOptions,
): Promise<readonly LoadedImage[]> {
  const loaded: LoadedImage[] = []
  for (const entry of await readEntries(shelf)) {
    const names = (entry.RepoTags ?? []).map(completeName)
    const id = await loadEntry(store, lease, shelf, entry, names, options)
    for (const name of names) store.images.tag(name, id, 'load')
    loaded.push({ id, names })
  }
  return loaded
}

async function readEntries(shelf: Shelf): Promise<readonly Entry[]> {
  const raw = await shelf.read('manifest.json', MAX_DOCUMENT_BYTES)
  return checked(manifestSchema, parseJson(raw, 'manifest.json'), 'manifest.json')
}

/** An image of a docker-archive: the manifest that is made for it, and where its content is. */
export interface DockerArchiveImage {
  /** Complete names. */
  readonly names: readonly string[]
  open(): Promise<{ readonly manifest: Buffer; readonly source: ContentSource }>
}

/** The images of a docker-archive, without loading them. */
export async function dockerImages(shelf: Shelf): Promise<readonly DockerArchiveImage[]> {
  return (await readEntries(shelf)).map(entry => ({
    names: (entry.RepoTags ?? []).map(completeName),
    open: async () => describeImage(shelf, entry, await shelf.read(cleanMemberPath(entry.Config), MAX_DOCUMENT_BYTES)),
  }))
}

function completeName(tag: string): string {
  const reference = parseReference(tag)
  if (reference.digest === undefined) return formatReference(reference)
  throw new ShaleError('INVALID_REFERENCE', `${JSON.stringify(tag)} is no tag: it has a digest`)
}

async function loadEntry(
  store: Store,
  lease: Lease,
  shelf: Shelf,
  entry: Entry,
  names: readonly string[],
  options: LoadOptions,
): Promise<Digest> {
  const config = await shelf.read(cleanMemberPath(entry.Config), MAX_DOCUMENT_BYTES)
  const { rootfs } = parseImageConfig(config)
  if (rootfs.diff_ids.length === entry.Layers?.length) {
    const twin = await findTwin(store, lease, sha256(config), names)
    if (twin !== undefined) return twin
  }
  const { manifest, source } = await describeImage(shelf, entry, config)
  options.onEvent?.({ kind: 'manifest', digest: sha256(manifest), mediaType: MediaType.ociManifest })
  return (await ingestImage(store, lease, source, manifest, MediaType.ociManifest, options)).digest
}

async function describeImage(
  shelf: Shelf,
  entry: Entry,
  config: Buffer,
): Promise<{ readonly manifest: Buffer; readonly source: ContentSource }> {
  const paths = new Map<Digest, string>()
  const configDescriptor = { mediaType: MediaType.ociConfig, digest: sha256(config), size: config.byteLength }
  paths.set(configDescriptor.digest, cleanMemberPath(entry.Config))
  const layers: Descriptor[] = []
  for (const path of (entry.Layers ?? []).map(cleanMemberPath)) {
    const descriptor = await describeLayer(shelf, path)
    layers.push(descriptor)
    paths.set(descriptor.digest, path)
  }
  const stream: ContentSource['stream'] = ({ digest }, _, from) => skipping(shelf.stream(paths.get(digest) ?? ''), from)
  return { manifest: encodeManifest(configDescriptor, layers), source: { name: shelf.name, stream } }
}

async function describeLayer(shelf: Shelf, path: string): Promise<Descriptor> {
  const compression = await sniffSource(shelf.stream(path), `${shelf.name}: ${path}`)
  return { mediaType: ociLayerType(compression), ...(await shelf.identify(path)) }
}
