import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { MAX_DOCUMENT_BYTES } from '../oci/document-limit.ts'
import { type ImageConfig, parseImageConfig } from '../oci/image-config.ts'
import { type Manifest, parseManifest } from '../oci/manifest.ts'
import { MediaType } from '../oci/media-types.ts'
import { hostPlatform, type Platform } from '../oci/platform.ts'
import { formatReference, type Reference } from '../oci/reference.ts'
import { readBlob } from '../registry/client/blobs.ts'
import { getManifest, type RemoteManifest } from '../registry/client/manifests.ts'
import type { LocalStore } from '../store/open.ts'
import { chooseManifest } from '../transfer/choose.ts'
import { type ImageFacts, labelFacts, labelledBase, platformText } from './facts.ts'
import type { RegistryAccess } from './registry-tag.ts'
import { whereabouts } from './whatis.ts'

/** Access whose store is open whole, for its history. */
export interface WhatisAccess extends RegistryAccess {
  readonly store: LocalStore
}

/**
 * What an image in a registry says of itself, and what this store knows of where it went. Its layers are not
 * downloaded. Throws `NOT_FOUND`, `NO_PLATFORM` and the like.
 */
export async function remoteFacts(
  access: WhatisAccess,
  reference: Reference,
  platform: Platform | undefined,
): Promise<ImageFacts> {
  const name = formatReference(reference)
  const { repository, tag = 'latest', digest } = reference
  const get = (text: string) =>
    getManifest(access.client.registry(reference.registry), { repository, reference: text }, access.signal)
  const top = await get(digest ?? tag)
  const { manifest, annotations } = await manifestOf(top, get, platform ?? hostPlatform(), name)
  const config = await configOf(access, reference, manifest.config)
  const labels = { ...annotations, ...manifest.annotations, ...config?.config?.Labels }
  const { store } = access
  return {
    ...{ id: top.digest, name, place: 'registry', platform: config && platformText(config) },
    labels: labelFacts(labels, config?.created),
    origin: store.origins.get(top.digest),
    base: labelledBase(labels),
    ...whereabouts(store, [top.digest]),
  }
}

async function manifestOf(
  top: RemoteManifest,
  get: (digest: string) => Promise<RemoteManifest>,
  platform: Platform,
  name: string,
): Promise<{ readonly manifest: Manifest; readonly annotations?: Manifest['annotations'] }> {
  const document = parseManifest(top.raw, top.mediaType)
  if (document.kind === 'manifest') return { manifest: document.manifest }
  const chosen = await get(chooseManifest(document.index, platform, name).digest)
  const inner = parseManifest(chosen.raw, chosen.mediaType)
  if (inner.kind === 'manifest') return { manifest: inner.manifest, annotations: document.index.annotations }
  throw new ShaleError('NOT_AN_IMAGE', `${name} names an index within an index, and no image`)
}

/** Undefined for what is no image, and for a config larger than any. */
async function configOf(
  { client, signal }: RegistryAccess,
  { registry, repository }: Reference,
  { digest, mediaType, size }: Descriptor,
): Promise<ImageConfig | undefined> {
  const isImage = mediaType === MediaType.ociConfig || mediaType === MediaType.dockerConfig
  if (!isImage || size > MAX_DOCUMENT_BYTES) return undefined
  const chunks: Uint8Array[] = []
  for await (const chunk of readBlob(client.registry(registry), { repository, digest }, size, signal))
    chunks.push(chunk)
  return parseImageConfig(Buffer.concat(chunks))
}
