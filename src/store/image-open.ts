import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import { type Index, parseManifest } from '../oci/manifest.ts'
import { formatPlatform, hostPlatform, type Platform } from '../oci/platform.ts'
import { choosePlatform, matchesPlatform } from '../oci/platform-choice.ts'
import type { BlobStore, StoredImage } from './types.ts'

/** A stored manifest as the database knows it. */
export interface KnownManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly kind: 'manifest' | 'index'
  /** Undefined for an index and for an artifact that is no image. */
  readonly platform?: Platform | undefined
}

/** What an error calls an image; its digest says nothing to people. */
export type Label = () => string

/** A manifest that an index names. */
export interface IndexEntry {
  /** Undefined for what is no image, as far as that is known. */
  readonly platform: Platform | undefined
  /** Undefined when the store does not have it. */
  readonly known: KnownManifest | undefined
}

/**
 * Reads one platform's image. Of an index: the manifest for `platform`; if absent the host's, else the first image that
 * is there. Throws `PLATFORM_NOT_FOUND`, `NOT_AN_IMAGE`, `BLOB_MISSING`, `BLOB_DAMAGED`.
 */
export async function openImage(
  blobs: BlobStore,
  known: KnownManifest,
  entries: readonly IndexEntry[],
  platform: Platform | undefined,
  label: Label = () => known.digest,
): Promise<StoredImage> {
  if (known.kind === 'index') return await readImage(blobs, chooseChild(label, entries, platform))
  const image = await readImage(blobs, known)
  if (platform !== undefined && !matchesPlatform(platformOf(image), platform)) {
    throw platformNotFound(label, platform, [platformOf(image)])
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

/** What the registry would give for the platform, or nothing: never an older variant because only that is here. */
function chooseChild(label: Label, entries: readonly IndexEntry[], platform: Platform | undefined): KnownManifest {
  const want = platform ?? hostPlatform()
  const here = entries.filter(entry => entry.known !== undefined && entry.platform !== undefined)
  const matching = choosePlatform(entries, entry => entry.platform, want)?.known
  const chosen = matching ?? (platform === undefined ? here[0]?.known : undefined)
  if (chosen !== undefined) return chosen
  throw platformNotFound(
    label,
    want,
    here.map(entry => entry.platform as Platform),
  )
}

function platformOf(image: StoredImage): Platform {
  const { os, architecture, variant } = image.config
  return { os, architecture, variant }
}

function platformNotFound(label: Label, want: Platform, have: readonly Platform[]): ShaleError {
  const there = have.map(formatPlatform).join(', ') || 'no image'
  return new ShaleError(
    'PLATFORM_NOT_FOUND',
    `image ${label()} was found but does not provide the platform ${formatPlatform(want)}`,
    { hint: `the store has ${there} of it; pull it with --platform ${formatPlatform(want)}` },
  )
}

/**
 * The index' images in its order, with the platforms that it gives them: those go before what the configs say, where
 * older tools left the variant out.
 */
export function indexEntries(index: Index, children: readonly KnownManifest[]): readonly IndexEntry[] {
  const byDigest = new Map(children.map(child => [child.digest, child]))
  return index.manifests.map(({ digest, platform }) => {
    const known = byDigest.get(digest)
    const isArtifact = known !== undefined && known.platform === undefined
    return { known, platform: isArtifact ? undefined : (platform ?? known?.platform) }
  })
}
