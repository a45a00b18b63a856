import { join } from 'node:path'
import { runBuild } from '../build/build.ts'
import type { BuildEvent } from '../build/events.ts'
import type { Recipe } from '../build/recipe.ts'
import type { Digest } from '../oci/digest.ts'
import { formatPlatform, type Platform, parsePlatform } from '../oci/platform.ts'
import { treeRemover } from '../sandbox/remove-tree.ts'
import { type LocalStore, openStore } from '../store/open.ts'
import type { Origin } from '../store/origins.ts'
import { resolveImage } from '../store/resolve.ts'
import { VERSION } from '../version.ts'
import { bringFrom, type PullInto } from './bring-base.ts'
import { compareImages, type ImageComparison } from './compare.ts'
import { type RebuildGiven, rebuildOptions } from './rebuild-options.ts'
import { storedRecipe } from './stored-recipe.ts'

export interface RebuildOptions extends RebuildGiven {
  /** Name or ID of an image of the store. */
  readonly image: string
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: ((event: BuildEvent) => void) | undefined
}

export interface RebuildServices {
  readonly pull: PullInto
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
}

/** What came of building an image again. */
export interface Rebuild {
  readonly same: boolean
  /** Image IDs. */
  readonly image: Digest
  readonly rebuilt: Digest
  /** One for each platform whose manifest differs. */
  readonly platforms: readonly ImageComparison[]
  /** What explains differences: sentences for a person. */
  readonly notes: readonly string[]
}

/**
 * Builds an image again as its record says, in a store of its own that goes when this ends: no step, cache mount or
 * image of `store` has a part in it but the base images, which are the same ones. Nothing of `store` changes. Throws
 * `IMAGE_NOT_FOUND`, `NO_RECIPE`, `NO_CONTEXT`, and what a build throws.
 */
export async function verifyRebuild(
  store: LocalStore,
  asked: RebuildOptions,
  { pull, env }: RebuildServices,
): Promise<Rebuild> {
  const { id } = resolveImage(store, asked.image)
  const { origin, recipe } = storedRecipe(store, id, asked.image)
  const options = await rebuildOptions(recipe, asked)
  const lease = store.lease('verify-rebuild')
  // Removed by the store's helper, for it may hold files of mapped users.
  const root = join(store.tempDir, `${lease.id}-rebuild`)
  try {
    const other = openStore({ root, removeTree: treeRemover(root) })
    try {
      const { signal, onEvent } = asked
      const services = { pull: bringFrom(store, other, recipe.images, { pull, signal }), env }
      const outputs = [{ type: 'image' as const, names: [] }]
      const { imageId } = await runBuild(other, { ...options, outputs, signal, onEvent }, services)
      if (imageId === undefined) throw new Error('the build has made no image')
      const platforms = recipe.platforms.map(parsePlatform)
      const compared = imageId === id ? [] : await comparePlatforms([store, id], [other, imageId], platforms)
      const notes = imageId === id ? [] : notesOn(recipe, origin, other.origins.get(imageId), asked)
      return { same: imageId === id, image: id, rebuilt: imageId, platforms: compared, notes }
    } finally {
      other.close()
    }
  } finally {
    await store.removeTree(root)
    lease.end()
  }
}

async function comparePlatforms(
  [store, id]: readonly [LocalStore, Digest],
  [other, rebuilt]: readonly [LocalStore, Digest],
  platforms: readonly Platform[],
): Promise<readonly ImageComparison[]> {
  const found: ImageComparison[] = []
  for (const platform of platforms) {
    const [a, b] = [await store.images.open(id, platform), await other.images.open(rebuilt, platform)]
    if (a.digest === b.digest) continue
    const compared = await compareImages({ store, image: a }, { store: other, image: b })
    found.push({ ...compared, platform: formatPlatform(platform) })
  }
  return found
}

function notesOn(recipe: Recipe, before: Origin, now: Origin | undefined, given: RebuildGiven): readonly string[] {
  const notes: string[] = []
  const builder = `shale ${VERSION}`
  if (before.builder !== builder) notes.push(`it was built by ${before.builder}, and this is ${builder}`)
  if (now !== undefined && now.dockerfileDigest !== before.dockerfileDigest) {
    notes.push(`${before.dockerfile} is not what it was when the image was built`)
  }
  if (recipe.sourceDateEpoch === undefined) {
    notes.push('it was built without SOURCE_DATE_EPOCH or --reproducible: its times are those of that moment')
  }
  if (recipe.commit === undefined && given.context === undefined && recipe.context !== undefined) {
    notes.push(`no commit is noted of ${recipe.context}: its files are taken as they are now`)
  }
  return notes
}
