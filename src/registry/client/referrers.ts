import * as z from 'zod/mini'
import { ShaleError } from '../../error.ts'
import { type Descriptor, descriptorSchema } from '../../oci/descriptor.ts'
import { type Digest, digestAlgorithm, digestHex } from '../../oci/digest.ts'
import { type Index, type Manifest, parseManifest } from '../../oci/manifest.ts'
import { MediaType } from '../../oci/media-types.ts'
import type { ImageDocument } from '../../transfer/document.ts'
import { getManifest, headManifest, putManifest } from './manifests.ts'
import { pagesOf } from './pages.ts'
import type { RemoteRepository } from './registry.ts'
import { pullScope } from './scope.ts'

const pageSchema = z.looseObject({ manifests: z.nullish(z.array(descriptorSchema)) })

/**
 * The manifests of a repository whose subject is this one: signatures, SBOMs. Registries without the referrers API keep
 * them under a tag. Source: OCI distribution-spec v1.1, "Listing Referrers" and "Referrers Tag Schema".
 */
export async function listReferrers(
  remote: RemoteRepository,
  digest: Digest,
  signal?: AbortSignal,
): Promise<readonly Descriptor[]> {
  const { registry, repository } = remote
  const target = `${registry.name}/${repository}@${digest}`
  const attempt = { doing: 'list the referrers of', target, registry: registry.name }
  const path = `/v2/${repository}/referrers/${digest}`
  const listing = { path, scopes: pullScope(repository), schema: pageSchema, attempt, signal }
  try {
    const found: Descriptor[] = []
    for await (const page of pagesOf(registry, listing)) found.push(...((page.manifests ?? []) as Descriptor[]))
    return found
  } catch (error) {
    if (!(error instanceof ShaleError && /^(?:NOT_FOUND|REGISTRY_REFUSED)$/.test(error.code))) throw error
    return (await taggedReferrers(remote, digest, signal))?.manifests ?? []
  }
}

/** Tells a registry that has not said that it keeps referrers itself, by the tag that stands for their list. */
export async function tagReferrer(
  remote: RemoteRepository,
  subject: Digest,
  { descriptor, parsed }: ImageDocument,
  signal?: AbortSignal,
): Promise<void> {
  const before = await taggedReferrers(remote, subject, signal)
  const others = before?.manifests ?? []
  if (others.some(({ digest }) => digest === descriptor.digest)) return
  const { annotations } = parsed.kind === 'manifest' ? parsed.manifest : parsed.index
  const artifactType = parsed.kind === 'manifest' ? artifactTypeOf(parsed.manifest) : undefined
  const entry = { ...descriptor, ...(artifactType && { artifactType }), ...(annotations && { annotations }) }
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [...others, entry] }
  const address = { ...remote, reference: tagOf(subject) }
  await putManifest(remote.registry, address, Buffer.from(JSON.stringify(index)), MediaType.ociIndex, signal)
}

/** Source: OCI image-spec v1.1 descriptor.md, "artifactType". */
function artifactTypeOf({ artifactType, config }: Manifest): string {
  return artifactType || config.mediaType
}

async function taggedReferrers(
  remote: RemoteRepository,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<Index | undefined> {
  const address = { ...remote, reference: tagOf(digest) }
  if ((await headManifest(remote.registry, address, signal)) === undefined) return undefined
  const { raw, mediaType } = await getManifest(remote.registry, address, signal)
  const document = parseManifest(raw, mediaType)
  return document.kind === 'index' ? document.index : undefined
}

function tagOf(digest: Digest): string {
  return `${digestAlgorithm(digest)}-${digestHex(digest)}`
}
