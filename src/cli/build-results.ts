import { rmSync, statSync, writeFileSync } from 'node:fs'
import type { BuildOutcome } from '../build/build.ts'
import type { ExportedImage } from '../build/export.ts'
import type { Digest } from '../oci/digest.ts'
import { MediaType } from '../oci/media-types.ts'
import { checkDestination } from './check-destination.ts'

/** Files that a build tells its result in. */
export interface ResultFiles {
  readonly iidfile: string | undefined
  readonly metadataFile: string | undefined
}

/**
 * Looks before the build whether they can be written after it. An old `--iidfile` is removed, as buildx does: a failed
 * build must not leave the ID of another. Throws `DESTINATION`.
 */
export function prepareResultFiles({ iidfile, metadataFile }: ResultFiles): void {
  if (iidfile !== undefined) checkDestination('--iidfile', iidfile)
  if (metadataFile !== undefined) checkDestination('--metadata-file', metadataFile)
  if (iidfile !== undefined && statSync(iidfile, { throwIfNoEntry: false })?.isFile()) rmSync(iidfile)
}

/** Fields as buildx writes them. */
export function writeResultFiles({ iidfile, metadataFile }: ResultFiles, result: BuildOutcome): void {
  const { imageId, image, names } = result
  if (iidfile !== undefined) writeFileSync(iidfile, imageId ?? '')
  if (metadataFile === undefined) return
  const fields = image === undefined || imageId === undefined ? {} : imageFields(image, imageId, names)
  writeFileSync(metadataFile, `${JSON.stringify(fields, undefined, 2)}\n`)
}

function imageFields(image: ExportedImage, imageId: Digest, names: readonly string[]) {
  const isIndex = image.digest !== imageId
  const descriptor = {
    mediaType: isIndex ? MediaType.ociIndex : image.mediaType,
    digest: imageId,
    ...(!isIndex && { platform: { architecture: image.config.architecture, os: image.config.os } }),
  }
  return {
    ...(!isIndex && { 'containerimage.config.digest': image.manifest.config.digest }),
    'containerimage.descriptor': descriptor,
    'containerimage.digest': imageId,
    ...(names.length > 0 && { 'image.name': names.join(',') }),
  }
}
