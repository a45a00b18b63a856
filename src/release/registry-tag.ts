import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { familiarReference, formatReference, parseReference, type Reference } from '../oci/reference.ts'
import { getManifest, headManifest, putManifest, type RemoteManifest } from '../registry/client/manifests.ts'
import type { RegistryClient } from '../registry/client/registry.ts'
import type { Publication } from '../store/publications.ts'
import { checkExpected } from '../store/tags.ts'
import type { Store } from '../store/types.ts'
import { checkExpectation, type PromoteOptions, targetReference } from './promote.ts'
import type { MovedTag } from './tag-move.ts'

/** How a registry is reached, and where it is noted what was done there. */
export interface RegistryAccess {
  readonly store: Store
  readonly client: RegistryClient
  readonly signal?: AbortSignal | undefined
}

/**
 * Gives the same image one more tag in its repository of a registry: its manifest is put under the tag, nothing else is
 * sent. Throws `OTHER_REPOSITORY`, `INVALID_TAG`, `INVALID_DIGEST`, `TAG_MOVED`, `NOT_FOUND` and the like.
 */
export async function promoteInRegistry(access: RegistryAccess, options: PromoteOptions): Promise<MovedTag> {
  checkExpectation(options.expect)
  const source = parseReference(options.source)
  const target = targetReference(source, options.target)
  if (source.registry !== target.registry || source.repository !== target.repository) {
    throw new ShaleError('OTHER_REPOSITORY', `${options.target} is in another repository than ${options.source}`, {
      hint: 'a registry moves tags within a repository; to bring an image into another one: pull, tag and push it',
    })
  }
  const registry = access.client.registry(source.registry)
  const { repository, digest, tag = 'latest' } = source
  const manifest = await getManifest(registry, { repository, reference: digest ?? tag }, access.signal)
  return await moveTag(access, target, manifest, { why: 'promote', expect: options.expect })
}

/** What a tag points at in its registry; undefined when it is not there. */
export async function registryDigest(
  { client, signal }: RegistryAccess,
  reference: Reference,
): Promise<Digest | undefined> {
  const registry = client.registry(reference.registry)
  const address = { repository: reference.repository, reference: reference.tag ?? 'latest' }
  const head = await headManifest(registry, address, signal)
  if (head !== undefined) return head.digest
  // Some registries answer HEAD without a digest.
  try {
    return (await getManifest(registry, address, signal)).digest
  } catch (error) {
    if (error instanceof ShaleError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

/**
 * Puts a manifest that the repository has under a tag of it. The protocol knows no condition for that, so what the tag
 * points at is looked up right before.
 */
export async function moveTag(
  access: RegistryAccess,
  target: Reference,
  manifest: RemoteManifest,
  { why, expect }: { readonly why: Publication['why']; readonly expect?: string | undefined },
): Promise<MovedTag> {
  const name = formatReference(target)
  const { digest, raw, mediaType } = manifest
  const from = await registryDigest(access, target)
  checkExpected(name, from, expect, `look what it is: shale whatis --registry ${familiarReference(target)}`)
  if (from === digest) return { name, from, to: digest }
  const registry = access.client.registry(target.registry)
  const address = { repository: target.repository, reference: target.tag ?? 'latest' }
  const { digest: got } = await putManifest(registry, address, raw, mediaType, access.signal)
  if (got !== undefined && got !== digest) {
    throw new ShaleError('REGISTRY_FAILED', `${name} is ${got} at the registry, but ${digest} was put there`, {
      hint: 'a registry that rewrites manifests cannot keep an image as it was built',
    })
  }
  access.store.publications.note({ digest, name, previous: from, why })
  return { name, from, to: digest }
}
