import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import type { Reference } from '../oci/reference.ts'
import { getManifest } from '../registry/client/manifests.ts'
import type { BaseOrigin } from '../store/origins.ts'
import { type BaseState, tagReference } from './base-state.ts'
import { type RegistryAccess, registryDigest } from './registry-tag.ts'

/** As its registry says. What keeps that from answering is given as the reason, not thrown. */
export async function registryBaseState(access: RegistryAccess, { name, digest }: BaseOrigin): Promise<BaseState> {
  const reference = tagReference(name)
  if (!('registry' in reference)) return reference
  try {
    const now = await registryDigest(access, reference)
    if (now === undefined) return { kind: 'unknown', why: 'its registry has no image of that name' }
    const isSame = now === digest || (await names(access, reference, now, digest))
    return isSame ? { kind: 'current' } : { kind: 'moved', now }
  } catch (error) {
    if (error instanceof ShaleError) return { kind: 'unknown', why: error.message }
    throw error
  }
}

/** Some tools note the platform's manifest where others note the index. */
async function names(
  { client, signal }: RegistryAccess,
  { registry, repository }: Reference,
  index: Digest,
  digest: Digest,
): Promise<boolean> {
  const { raw, mediaType } = await getManifest(client.registry(registry), { repository, reference: index }, signal)
  const document = parseManifest(raw, mediaType)
  return document.kind === 'index' && document.index.manifests.some(manifest => manifest.digest === digest)
}
