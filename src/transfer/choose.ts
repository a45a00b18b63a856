import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Index } from '../oci/manifest.ts'
import { isManifestType } from '../oci/media-types.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import { choosePlatform } from '../oci/platform-choice.ts'

/** The manifests of an index that are images: not attestations, which BuildKit files under `unknown/unknown`. */
export function imagesOf(index: Index): readonly Descriptor[] {
  return index.manifests.filter(
    ({ mediaType, platform, annotations }) =>
      isManifestType(mediaType) &&
      platform?.architecture !== 'unknown' &&
      annotations?.['vnd.docker.reference.type'] === undefined,
  )
}

/** The manifest of an index to take for a platform. Throws `NO_PLATFORM` and lists what there is. */
export function chooseManifest(index: Index, want: Platform, name: string): Descriptor {
  const images = imagesOf(index)
  const found = choosePlatform(images, ({ platform }) => platform, want)
  if (found !== undefined) return found
  const [only] = images
  if (images.length === 1 && only?.platform === undefined && only !== undefined) return only
  const platforms = [...new Set(images.map(image => (image.platform ? formatPlatform(image.platform) : 'unnamed')))]
  throw new ShaleError('NO_PLATFORM', `${name} has no image for ${formatPlatform(want)}`, {
    hint: platforms.length === 0 ? 'it has no images at all' : `it has ${platforms.join(', ')}; choose with --platform`,
  })
}
