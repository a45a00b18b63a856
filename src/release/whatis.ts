import type { Digest } from '../oci/digest.ts'
import type { LocalStore } from '../store/open.ts'
import { indexesOver, manifestsOf } from '../store/relatives.ts'
import { buildsIn, type ImageFacts, labelFacts, labelledBase, platformText } from './facts.ts'
import { movesToImages } from './moves.ts'

/** How an image was asked for. */
interface Asked {
  readonly name?: string | undefined
  readonly variant?: Digest | undefined
}

/** What the store knows of an image that it has. Throws `IMAGE_NOT_FOUND`. */
export async function storedFacts(
  store: LocalStore,
  id: Digest,
  { name, variant: asked }: Asked = {},
): Promise<ImageFacts> {
  const { labels, created, platform } = await detailsOf(store, id)
  const parents = indexesOver(store.database, id)
  const variants = store.variants.of(id)
  const origin = [id, ...manifestsOf(store.database, id)].map(digest => store.origins.get(digest)).find(Boolean)
  return {
    ...{ id, name, place: 'store', platform, origin, variants, asked },
    labels: labelFacts(labels, created),
    base: origin?.base ?? labelledBase(labels),
    ...whereabouts(store, [id, ...parents, ...variants.map(({ digest }) => digest)]),
  }
}

/** What is left of an image that the store had once. */
export function goneFacts(store: LocalStore, id: Digest): ImageFacts {
  return { id, place: 'gone', labels: {}, ...whereabouts(store, [id]) }
}

/** The tags of images and their moves, as far as this store knows. */
export function whereabouts(
  store: LocalStore,
  digests: readonly Digest[],
): Pick<ImageFacts, 'tags' | 'moves' | 'builds'> {
  const tags = digests.flatMap(digest => store.images.get(digest)?.names ?? [])
  const moves = movesToImages(store, digests)
  return { tags, moves, builds: buildsIn([...tags, ...moves.map(({ name }) => name)]) }
}

interface Details {
  readonly labels: Readonly<Record<string, string>>
  readonly created?: string | undefined
  readonly platform?: string | undefined
}

/** Of an image the database says it all; the manifest of an index is read. */
async function detailsOf(store: LocalStore, id: Digest): Promise<Details> {
  const image = store.images.get(id)
  if (image !== undefined) {
    const { labels = {}, created, platform } = image.details ?? {}
    return { labels, created, platform: platform && platformText(platform) }
  }
  const { config } = await store.images.open(id)
  return { labels: config.config?.Labels ?? {}, created: config.created, platform: platformText(config) }
}
