import { type PullImage, stateOf } from '../build/base-image.ts'
import type { StageState } from '../build/stage-state.ts'
import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { hostPlatform, type Platform } from '../oci/platform.ts'
import type { ContainerRow } from '../store/containers.ts'
import { findImage } from '../store/resolve.ts'
import type { Store } from '../store/types.ts'
import type { ContainerOptions } from './options.ts'

/** An image that a container is made from. */
export interface ImageToRun {
  /** Of its manifest or index. */
  readonly id: Digest
  readonly state: StageState
}

export interface WantedImage {
  /** Name or ID. */
  readonly image: string
  readonly platform?: Platform | undefined
  readonly pull?: 'always' | 'missing' | 'never' | undefined
}

/** The image, which is pulled where that is wanted. Throws `IMAGE_NOT_FOUND`. */
export async function imageToRun(store: Store, wanted: WantedImage, pullImage: PullImage): Promise<ImageToRun> {
  const { image, pull = 'missing' } = wanted
  const platform = wanted.platform ?? hostPlatform()
  const known = pull === 'always' ? undefined : findImage(store, image)
  if (known === undefined && pull === 'never') {
    throw new ShaleError('IMAGE_NOT_FOUND', `No such image: ${image}`, {
      exitCode: 125,
      hint: 'pull it, or run without --pull never',
    })
  }
  if (known === undefined) await pullImage(image, platform)
  const found = known ?? findImage(store, image)
  if (found === undefined) throw new ShaleError('IMAGE_NOT_FOUND', `No such image: ${image}`, { exitCode: 125 })
  return { id: found.id, state: stateOf(store, image, await store.images.open(found.id, platform), platform) }
}

/** The image of a container, which is kept as long as the container, even without a name. */
export async function imageOfContainer(
  store: Store,
  row: Pick<ContainerRow, 'image'>,
  options: Pick<ContainerOptions, 'image' | 'platform'>,
): Promise<ImageToRun> {
  const platform = options.platform ?? hostPlatform()
  const image = await store.images.open(row.image, platform)
  return { id: row.image, state: stateOf(store, options.image, image, platform) }
}
