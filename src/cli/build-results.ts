import { accessSync, constants, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { BuildOutcome } from '../build/build.ts'
import type { ExportedImage } from '../build/export.ts'
import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import { MediaType } from '../oci/media-types.ts'

/** Files that a build tells its result in. */
export interface ResultFiles {
  readonly iidfile: string | undefined
  readonly metadataFile: string | undefined
}

/**
 * Looks before the build whether they can be written after it. An old `--iidfile` is removed, as buildx does: a failed
 * build must not leave the ID of another. Throws `RESULT_FILE`.
 */
export function prepareResultFiles({ iidfile, metadataFile }: ResultFiles): void {
  if (iidfile !== undefined) checkPlace('--iidfile', iidfile)
  if (metadataFile !== undefined) checkPlace('--metadata-file', metadataFile)
  if (iidfile !== undefined && statSync(iidfile, { throwIfNoEntry: false })?.isFile()) rmSync(iidfile)
}

function checkPlace(flag: string, file: string): void {
  const fail = (why: string) => {
    throw new ShaleError('RESULT_FILE', `cannot write ${flag} ${JSON.stringify(file)}: ${why}`, {
      hint: 'nothing was built',
    })
  }
  if (file === '') fail('the name is empty')
  const folder = dirname(resolve(file))
  const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  if (!isFolder(folder)) fail(`${folder} is no folder`)
  if (isFolder(file)) fail('it is a folder')
  try {
    accessSync(folder, constants.W_OK)
  } catch {
    fail(`${folder} cannot be written to`)
  }
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
