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
import type { ContentSource } from '../transfer/content-source.ts'
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
  const raw = await shelf.read('manifest.json', MAX_DOCUMENT_BYTES)
  const entries = checked(manifestSchema, parseJson(raw, 'manifest.json'), 'manifest.json')
  const loaded: LoadedImage[] = []
  for (const entry of entries) {
    const names = (entry.RepoTags ?? []).map(completeName)
    const id = await loadEntry(store, lease, shelf, entry, names, options)
    for (const name of names) store.images.tag(name, id, 'load')
    loaded.push({ id, names })
  }
  return loaded
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
  const paths = new Map<Digest, string>()
  const configDescriptor = { mediaType: MediaType.ociConfig, digest: sha256(config), size: config.byteLength }
  paths.set(configDescriptor.digest, cleanMemberPath(entry.Config))
  const layers: Descriptor[] = []
  for (const path of (entry.Layers ?? []).map(cleanMemberPath)) {
    const descriptor = await describeLayer(shelf, path)
    layers.push(descriptor)
    paths.set(descriptor.digest, path)
  }
  const source: ContentSource = { name: shelf.name, stream: ({ digest }) => shelf.stream(paths.get(digest) ?? '') }
  const manifest = encodeManifest(configDescriptor, layers)
  options.onEvent?.({ kind: 'manifest', digest: sha256(manifest), mediaType: MediaType.ociManifest })
  return (await ingestImage(store, lease, source, manifest, MediaType.ociManifest, options)).digest
}

async function describeLayer(shelf: Shelf, path: string): Promise<Descriptor> {
  const compression = await sniffSource(shelf.stream(path), `${shelf.name}: ${path}`)
  return { mediaType: ociLayerType(compression), ...(await shelf.identify(path)) }
}
