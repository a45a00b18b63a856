import { shortDigest } from '../oci/digest.ts'
import { familiarName, parseReference, type Reference } from '../oci/reference.ts'
import type { ImageSummary } from '../store/types.ts'
import type { Listing } from './format/format.ts'
import { humanSize } from './format/size.ts'
import { goTime, timeAgo } from './format/time.ts'

const NONE = '<none>'

/** A line of `images`: an image under one of its names. */
export interface NamedImage {
  readonly image: ImageSummary
  readonly repository: string
  readonly tag: string
}

export const IMAGE_LISTING: Listing = {
  type: '*formatter.imageContext',
  headings: {
    Containers: 'CONTAINERS',
    CreatedAt: 'CREATED AT',
    CreatedSince: 'CREATED',
    Digest: 'DIGEST',
    ID: 'IMAGE ID',
    Platform: 'PLATFORM',
    Repository: 'REPOSITORY',
    SharedSize: 'SHARED SIZE',
    Size: 'SIZE',
    Tag: 'TAG',
    UniqueSize: 'UNIQUE SIZE',
    VirtualSize: 'SIZE',
  },
}

/** Milliseconds since 1970 when the image says it was made; undefined when it does not. */
export function createdAt(image: ImageSummary): number | undefined {
  const time = Date.parse(image.details?.created ?? '')
  return Number.isNaN(time) ? undefined : time
}

/** Newest first, as docker lists. */
export function byAge(a: ImageSummary, b: ImageSummary): number {
  return (createdAt(b) ?? 0) - (createdAt(a) ?? 0) || b.addedAt - a.addedAt
}

/** One line for each name; an image without names keeps the repository that it was pulled from. */
export function namedImages(image: ImageSummary): readonly NamedImage[] {
  if (image.names.length > 0) {
    return image.names
      .map(parseReference)
      .map(name => ({ image, repository: familiarName(name), tag: name.tag ?? NONE }))
  }
  const repositories = image.repoDigests.map(name => familiarName(parseReference(name)))
  return (repositories.length > 0 ? repositories : [NONE]).map(repository => ({ image, repository, tag: NONE }))
}

/** `registry/repository@digest` for every repository that the image has a name in: what docker 29 shows. */
export function repoDigests(image: ImageSummary): readonly string[] {
  const own = image.names.map(name => withDigest(parseReference(name), image))
  const known = image.repoDigests.map(name => withDigest(parseReference(name), image))
  return [...new Set([...known, ...own])]
}

function withDigest(name: Reference, image: ImageSummary): string {
  return `${familiarName(name)}@${name.digest ?? image.id}`
}

export interface RowOptions {
  readonly noTrunc: boolean
  readonly now: number
}

/** The line's fields under docker's names, all of them text. */
export function imageRow({ image, repository, tag }: NamedImage, { noTrunc, now }: RowOptions): Record<string, string> {
  const created = createdAt(image)
  const size = humanSize(image.details?.unpackedSize ?? 0)
  const platform = image.details?.platform
  return {
    Containers: 'N/A',
    // Naming the time zone loads tables of some 10 ms.
    get CreatedAt() {
      return created === undefined ? 'N/A' : goTime(created)
    },
    CreatedSince: timeAgo(created, now),
    Digest: repository === NONE ? NONE : image.id,
    ID: noTrunc ? image.id : shortDigest(image.id),
    Platform:
      platform === undefined ? '' : [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/'),
    Repository: repository,
    SharedSize: 'N/A',
    Size: size,
    Tag: tag,
    UniqueSize: 'N/A',
    VirtualSize: size,
  }
}
