import { ShaleError } from '../error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Index } from '../oci/manifest.ts'
import { isManifestType } from '../oci/media-types.ts'
import { formatPlatform, matchesPlatform, normalizePlatform, type Platform } from '../oci/platform.ts'

/** The manifests of an index that are images: not attestations, which BuildKit files under `unknown/unknown`. */
export function imagesOf(index: Index): readonly Descriptor[] {
  return index.manifests.filter(
    ({ mediaType, platform, annotations }) =>
      isManifestType(mediaType) &&
      platform?.architecture !== 'unknown' &&
      annotations?.['vnd.docker.reference.type'] === undefined,
  )
}

/**
 * The manifest of an index to take for a platform: the same variant before any other, an older ARM variant when there is
 * none (an arm/v7 machine runs arm/v6). Throws `NO_PLATFORM` and lists what there is.
 */
export function chooseManifest(index: Index, want: Platform, name: string): Descriptor {
  const images = imagesOf(index)
  for (const candidate of [want, ...olderVariants(want)]) {
    const matching = images.filter(image => image.platform !== undefined && matchesPlatform(image.platform, candidate))
    const { variant } = normalizePlatform(candidate)
    const same = matching.find(image => image.platform && normalizePlatform(image.platform).variant === variant)
    const found = same ?? matching[0]
    if (found !== undefined) return found
  }
  const [only] = images
  if (images.length === 1 && only?.platform === undefined && only !== undefined) return only
  const platforms = [...new Set(images.map(image => (image.platform ? formatPlatform(image.platform) : 'unnamed')))]
  throw new ShaleError('NO_PLATFORM', `${name} has no image for ${formatPlatform(want)}`, {
    hint: platforms.length === 0 ? 'it has no images at all' : `it has ${platforms.join(', ')}; choose with --platform`,
  })
}

function olderVariants(platform: Platform): readonly Platform[] {
  const { os, architecture, variant } = normalizePlatform(platform)
  const version = architecture === 'arm' ? Number(variant?.slice(1)) : Number.NaN
  if (!(version > 5)) return []
  return Array.from({ length: version - 5 }, (_, step) => ({ os, architecture, variant: `v${version - 1 - step}` }))
}
