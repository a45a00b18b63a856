import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import { matchesPlatform } from '../oci/platform-choice.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import type { LayerRecord, Lease, Store, StoredImage } from '../store/types.ts'
import { EMPTY_CHAIN, nextChainId } from './key.ts'
import type { PullPolicy } from './options.ts'
import { type ChainLayer, DEFAULT_PATH, envValue, type StageState } from './stage-state.ts'

/** Brings an image into the store; throws when no registry has it. */
export type PullImage = (name: string, platform: Platform) => Promise<void>

export interface BaseImages {
  readonly store: Store
  readonly lease: Lease
  readonly pull: PullImage
  readonly policy: PullPolicy
}

/** The state of a stage that begins with nothing. */
export function scratchState(platform: Platform): StageState {
  return {
    platform,
    layers: [],
    chainId: EMPTY_CHAIN,
    config: { Env: [DEFAULT_PATH], WorkingDir: '/' },
    history: [],
    args: new Map(),
    hasOwnCmd: false,
    base: 'scratch',
  }
}

/** The state of a stage that begins with an image, which is pulled when the store lacks it. */
export async function imageState(bases: BaseImages, name: string, platform: Platform): Promise<StageState> {
  const { id, image } = await openBase(bases, name, platform)
  const baseImage = {
    name: formatReference(parseReference(name)),
    digest: id,
    labels: image.config.config?.Labels ?? {},
  }
  return { ...stateOf(bases.store, name, image, platform), baseImage }
}

/** An image of the store as a stage to build on or to run. Throws `PLATFORM_MISMATCH`, `LAYER_MISSING`. */
export function stateOf(store: Store, name: string, image: StoredImage, platform: Platform): StageState {
  const { config } = image
  const { os, architecture, variant } = config
  const own = { os, architecture, variant }
  if (!matchesPlatform(own, platform)) {
    throw new ShaleError(
      'PLATFORM_MISMATCH',
      `image ${name} is for ${formatPlatform(own)}, not for ${formatPlatform(platform)}`,
      {
        hint: `pull it for the other platform: shale pull --platform ${formatPlatform(platform)} ${name}`,
      },
    )
  }
  const layers = imageLayers(store, name, image)
  const execution = config.config ?? {}
  const env = execution.Env ?? []
  return {
    platform,
    layers,
    chainId: layers.reduce((below, { record }) => nextChainId(below, record.contentId), EMPTY_CHAIN),
    config: {
      ...execution,
      Env: envValue(env, 'PATH') === undefined ? [...env, DEFAULT_PATH] : env,
      WorkingDir: execution.WorkingDir ?? '/',
    },
    author: config.author,
    // Marked, so that the export keeps their times and comments as they came.
    history: (config.history ?? []).map(line => ({ ...line, comment: line.comment ?? '' })),
    args: new Map(),
    hasOwnCmd: false,
    base: `${name} ${image.digest}`,
  }
}

async function openBase(
  bases: BaseImages,
  name: string,
  platform: Platform,
): Promise<{ readonly id: Digest; readonly image: StoredImage }> {
  const reference = parseReference(name)
  const find = () =>
    reference.digest !== undefined
      ? bases.store.images.get(reference.digest)?.id
      : bases.store.images.getTag(formatReference(reference))?.digest
  const found = bases.policy === 'always' ? undefined : find()
  if (found === undefined && bases.policy === 'never') {
    throw new ShaleError('IMAGE_NOT_FOUND', `${name} is not in the store, and --pull=never keeps from fetching it`, {
      hint: `fetch it first: shale pull ${name}`,
    })
  }
  if (found === undefined) await bases.pull(name, platform)
  const id = found ?? find()
  if (id === undefined) throw new ShaleError('IMAGE_NOT_FOUND', `${name}: not found in the store after pulling it`)
  return { id, image: await bases.store.images.open(id, platform) }
}

function imageLayers(store: Store, name: string, { config, manifest }: StoredImage): readonly ChainLayer[] {
  return config.rootfs.diff_ids.map((diffId, index) => {
    const record = store.layers.byDiffId(diffId)
    if (record === undefined) {
      throw new ShaleError('LAYER_MISSING', `layer ${diffId} of ${name} is not in the store`, {
        hint: `\`shale system check --repair\` reads it from its blob if that is there; else pull ${name} again`,
      })
    }
    return { record: withBlob(record, manifest.layers[index]?.digest), imported: true, times: 'keep' }
  })
}

/** The blob that this image's manifest names comes first: a rebuilt image refers to the same one. */
function withBlob(record: LayerRecord, digest: string | undefined): LayerRecord {
  const own = record.blobs.filter(blob => blob.digest === digest)
  return { ...record, blobs: [...own, ...record.blobs.filter(blob => blob.digest !== digest)] }
}
