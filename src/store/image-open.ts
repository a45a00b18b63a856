import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import { type Index, parseManifest } from '../oci/manifest.ts'
import { formatPlatform, hostPlatform, matchesPlatform, type Platform } from '../oci/platform.ts'
import type { BlobStore, StoredImage } from './types.ts'

/** A stored manifest as the database knows it. */
export interface KnownManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly kind: 'manifest' | 'index'
  /** Undefined for an index and for an artifact that is no image. */
  readonly platform?: Platform | undefined
}

/**
 * Reads one platform's image. Of an index: the manifest for `platform`; if absent the host's, else the first image that
 * is there. Throws `PLATFORM_NOT_FOUND`, `NOT_AN_IMAGE`, `BLOB_MISSING`, `BLOB_DAMAGED`.
 */
export async function openImage(
  blobs: BlobStore,
  known: KnownManifest,
  children: readonly KnownManifest[],
  platform: Platform | undefined,
): Promise<StoredImage> {
  const chosen = known.kind === 'index' ? chooseChild(known.digest, children, platform) : known
  const image = await readImage(blobs, chosen)
  if (platform !== undefined && !matchesPlatform(platformOf(image), platform)) {
    throw platformNotFound(known.digest, platform, [platformOf(image)])
  }
  return image
}

async function readImage(blobs: BlobStore, known: KnownManifest): Promise<StoredImage> {
  const rawManifest = await blobs.read(known.digest)
  const parsed = parseManifest(rawManifest, known.mediaType)
  if (parsed.kind !== 'manifest' || known.platform === undefined) {
    throw new ShaleError('NOT_AN_IMAGE', `${known.digest} has no image config: it is an artifact of another kind`)
  }
  const { manifest, mediaType } = parsed
  const rawConfig = await blobs.read(manifest.config.digest)
  return { digest: known.digest, mediaType, manifest, rawManifest, config: parseImageConfig(rawConfig), rawConfig }
}

function chooseChild(index: Digest, children: readonly KnownManifest[], platform: Platform | undefined): KnownManifest {
  const images = children.filter(child => child.platform !== undefined)
  const want = platform ?? hostPlatform()
  const matching = images.find(child => matchesPlatform(child.platform as Platform, want))
  const chosen = matching ?? (platform === undefined ? images[0] : undefined)
  if (chosen !== undefined) return chosen
  const have = images.map(child => child.platform as Platform)
  throw platformNotFound(index, want, have)
}

function platformOf(image: StoredImage): Platform {
  const { os, architecture, variant } = image.config
  return { os, architecture, variant }
}

function platformNotFound(digest: Digest, want: Platform, have: readonly Platform[]): ShaleError {
  const there = have.map(formatPlatform).join(', ') || 'no image'
  return new ShaleError(
    'PLATFORM_NOT_FOUND',
    `image ${digest} was found but does not provide the platform ${formatPlatform(want)}`,
    { hint: `the store has ${there} of it; pull it with --platform ${formatPlatform(want)}` },
  )
}

/** Children in the order of the index, which is the order of preference. */
export function inIndexOrder(index: Index, children: readonly KnownManifest[]): readonly KnownManifest[] {
  const byDigest = new Map(children.map(child => [child.digest, child]))
  return index.manifests.flatMap(entry => byDigest.get(entry.digest) ?? [])
}
