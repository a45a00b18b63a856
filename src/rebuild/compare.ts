import { ShaleError } from '../error.ts'
import { EMPTY_TOC, type Toc } from '../layer/toc.ts'
import type { Digest } from '../oci/digest.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { Store, StoredImage } from '../store/types.ts'
import { documentDifferences, type FieldDifference, type FileDifference, layerDifferences } from './differences.ts'

/** One layer of an image and of its rebuild that are not the same bytes. */
export interface LayerComparison {
  /** From 1 on. */
  readonly number: number
  /** The line of the Dockerfile, as the image's history has it. */
  readonly createdBy: string
  /** Diff IDs; undefined on the side that has fewer layers. */
  readonly image: Digest | undefined
  readonly rebuilt: Digest | undefined
  /** Empty when only the tar around the same entries differs. */
  readonly files: readonly FileDifference[]
}

/** What tells an image and its rebuild apart, for one platform. */
export interface ImageComparison {
  readonly platform: string
  /** Digests of the manifests. */
  readonly image: Digest
  readonly rebuilt: Digest
  readonly layers: readonly LayerComparison[]
  /** Of the config, but for the diff IDs of these layers. */
  readonly config: readonly FieldDifference[]
  /** Of the manifest, but for what the above brings with it: so the compression of layers that are the same. */
  readonly manifest: readonly FieldDifference[]
}

/** An image and the store that it is in. */
export interface Side {
  readonly store: Store
  readonly image: StoredImage
}

/** Throws `LAYER_MISSING` when the table of a layer is not there. */
export async function compareImages(image: Side, rebuilt: Side): Promise<ImageComparison> {
  const { os, architecture, variant } = image.image.config
  const layers = await compareLayers(image, rebuilt)
  const config = documentDifferences(configOf(image.image), configOf(rebuilt.image))
  const isOnlyWritten = layers.length + config.length === 0 && !image.image.rawConfig.equals(rebuilt.image.rawConfig)
  return {
    platform: formatPlatform({ os, architecture, variant }),
    image: image.image.digest,
    rebuilt: rebuilt.image.digest,
    layers,
    config: isOnlyWritten ? [OTHER_TEXT] : config,
    manifest: manifestDifferences(image.image, rebuilt.image),
  }
}

/** The same fields, written in another way: in another order, or with other spaces. */
const OTHER_TEXT: FieldDifference = { field: 'bytes', image: 'as they are', rebuilt: 'others, for the same fields' }

function configOf({ config }: StoredImage): object {
  const { rootfs: _, ...rest } = config
  return rest
}

async function compareLayers(image: Side, rebuilt: Side): Promise<readonly LayerComparison[]> {
  const made = (image.image.config.history ?? []).filter(({ empty_layer }) => empty_layer !== true)
  const found: LayerComparison[] = []
  const [before, after] = [diffIds(image), diffIds(rebuilt)]
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    const [a, b] = [before[index], after[index]]
    if (a === b) continue
    const files = layerDifferences(await tocOf(image.store, a), await tocOf(rebuilt.store, b))
    found.push({ number: index + 1, createdBy: made[index]?.created_by ?? '', image: a, rebuilt: b, files })
  }
  return found
}

function diffIds({ image }: Side): readonly Digest[] {
  return image.config.rootfs.diff_ids
}

async function tocOf(store: Store, diffId: Digest | undefined): Promise<Toc> {
  if (diffId === undefined) return EMPTY_TOC
  const record = store.layers.byDiffId(diffId)
  if (record !== undefined) return await store.layers.toc(record)
  throw new ShaleError('LAYER_MISSING', `the table of contents of layer ${diffId} is not in the store`, {
    hint: '`shale system check --repair` reads it from its blob if that is there',
  })
}

/** What is left when the config, and the layers whose content differs, are taken out. */
function manifestDifferences(image: StoredImage, rebuilt: StoredImage): readonly FieldDifference[] {
  const same = (index: number) => image.config.rootfs.diff_ids[index] === rebuilt.config.rootfs.diff_ids[index]
  const rest = ({ manifest }: StoredImage) => ({
    ...manifest,
    config: { ...manifest.config, digest: '', size: 0 },
    layers: manifest.layers.map((layer, index) => (same(index) ? layer : {})),
  })
  const found = documentDifferences(rest(image), rest(rebuilt))
  const isSameText = image.rawManifest.equals(rebuilt.rawManifest)
  if (found.length > 0 || isSameText || !image.rawConfig.equals(rebuilt.rawConfig)) return found
  return [OTHER_TEXT]
}
