import { ShaleError } from '../../error.ts'
import { MAX_DOCUMENT_BYTES, parseManifest } from '../../oci/manifest.ts'
import type { Platform } from '../../oci/platform.ts'
import { formatReference, type Reference } from '../../oci/reference.ts'
import { chooseManifest } from '../../transfer/choose.ts'
import { readBlob } from './blobs.ts'
import { getManifest, type RemoteManifest } from './manifests.ts'
import type { RegistryClient } from './registry.ts'

/** What a name points at in its registry; of an index the manifest for the platform, if one is asked for. */
export async function remoteManifest(
  client: RegistryClient,
  reference: Reference,
  platform: Platform | undefined,
  signal?: AbortSignal,
): Promise<RemoteManifest> {
  const registry = client.registry(reference.registry)
  const { repository, tag = 'latest', digest } = reference
  const top = await getManifest(registry, { repository, reference: digest ?? tag }, signal)
  const document = parseManifest(top.raw, top.mediaType)
  if (document.kind === 'manifest' || platform === undefined) return top
  const chosen = chooseManifest(document.index, platform, formatReference(reference))
  return await getManifest(registry, { repository, reference: chosen.digest }, signal)
}

/** The bytes of the image configuration that a manifest names. */
export async function remoteConfig(
  client: RegistryClient,
  { registry, repository }: Reference,
  { raw, mediaType }: RemoteManifest,
  signal?: AbortSignal,
): Promise<Buffer> {
  const document = parseManifest(raw, mediaType)
  if (document.kind === 'index') throw new ShaleError('INVALID_INDEX', 'the image is an index in an index')
  const { digest, size } = document.manifest.config
  if (size > MAX_DOCUMENT_BYTES) throw new ShaleError('DOCUMENT_TOO_LARGE', `the configuration has ${size} bytes`)
  return Buffer.concat(await Array.fromAsync(readBlob(client.registry(registry), { repository, digest }, size, signal)))
}
