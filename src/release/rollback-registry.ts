import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { parseReference } from '../oci/reference.ts'
import { getManifest, type RemoteManifest } from '../registry/client/manifests.ts'
import type { Publication } from '../store/publications.ts'
import type { TagChange } from '../store/types.ts'
import { shownName } from './promote.ts'
import { moveTag, type RegistryAccess, registryDigest } from './registry-tag.ts'
import { rollbackTarget, tagName } from './rollback.ts'
import type { MovedTag } from './tag-move.ts'

/**
 * Points a tag of a registry at an image that it pointed at before, as far as that was seen from here: what was pushed,
 * promoted or rolled back with this store, and what that found in its place. `to`: see `rollBack`. Throws
 * `NO_TAG_HISTORY`, `NO_EARLIER_IMAGE`, `IMAGE_GONE` when the registry lacks the image, `TAG_MOVED`.
 */
export async function rollBackInRegistry(access: RegistryAccess, text: string, to?: string): Promise<MovedTag> {
  const name = tagName(text)
  const publications = access.store.publications.ofName(name)
  if (publications.length === 0) {
    throw new ShaleError('NO_TAG_HISTORY', `nothing was pushed or promoted to ${shownName(name)} from here`, {
      hint: `name the image to go back to: shale promote --registry ${text.replace(/:[^:/]*$/, '')}@DIGEST ${shownName(name)}`,
    })
  }
  const reference = parseReference(name)
  const current = await registryDigest(access, reference)
  const digest = rollbackTarget(name, seenMoves(name, publications, current), current, to)
  const manifest = await manifestOf(access, name, digest)
  return await moveTag(access, reference, manifest, { why: 'rollback', expect: current ?? 'none' })
}

/** What is known of a registry's tag, newest first; what others put there is known where somebody here replaced it. */
export function seenMoves(
  name: string,
  publications: readonly Publication[],
  current: Digest | undefined,
): readonly TagChange[] {
  const moves: TagChange[] = []
  const note = (change: Omit<TagChange, 'name'>) => {
    if (change.digest !== moves.at(-1)?.digest) moves.push({ name, ...change })
  }
  for (const { digest, previous, at, why, who } of publications.toReversed()) {
    if (previous !== undefined) note({ digest: previous, at, why: 'seen' })
    note({ digest, previous, at, why, who })
  }
  if (current !== undefined) note({ digest: current, at: Date.now(), why: 'seen' })
  return moves.toReversed()
}

async function manifestOf({ client, signal }: RegistryAccess, name: string, digest: Digest): Promise<RemoteManifest> {
  const { registry, repository } = parseReference(name)
  try {
    return await getManifest(client.registry(registry), { repository, reference: digest }, signal)
  } catch (cause) {
    if (!(cause instanceof ShaleError && cause.code === 'NOT_FOUND')) throw cause
    throw new ShaleError(
      'IMAGE_GONE',
      `cannot roll ${shownName(name)} back to ${digest}: the registry has it no more`,
      {
        cause,
        hint: `see shale tags log ${shownName(name)} for others`,
      },
    )
  }
}
