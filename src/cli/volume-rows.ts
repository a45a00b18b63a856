import type { VolumeInfo } from '../store/volumes.ts'
import { globToRegExp } from './filter.ts'
import type { Listing } from './format/format.ts'
import { isoLocalTime } from './format/time.ts'

/** The fields of docker's `volume ls --format`. */
export const VOLUME_LISTING: Listing = {
  type: '*formatter.volumeContext',
  headings: {
    Availability: 'AVAILABILITY',
    Driver: 'DRIVER',
    Group: 'GROUP',
    Labels: 'LABELS',
    Links: 'LINKS',
    Mountpoint: 'MOUNTPOINT',
    Name: 'VOLUME NAME',
    Scope: 'SCOPE',
    Size: 'SIZE',
    Status: 'STATUS',
  },
}

export function volumeRow({ name, labels, mountpoint }: VolumeInfo): Readonly<Record<string, string>> {
  return {
    Availability: 'N/A',
    Driver: 'local',
    Group: 'N/A',
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Links: 'N/A',
    Mountpoint: mountpoint,
    Name: name,
    Scope: 'local',
    Size: 'N/A',
    Status: 'N/A',
  }
}

/** docker's document of `volume inspect`. */
export function volumeDocument({ name, labels, options, createdAt, mountpoint }: VolumeInfo) {
  const orNull = (texts: Readonly<Record<string, string>>) => (Object.keys(texts).length === 0 ? null : texts)
  return {
    CreatedAt: isoLocalTime(createdAt),
    Driver: 'local',
    Labels: orNull(labels),
    Mountpoint: mountpoint,
    Name: name,
    Options: orNull(options),
    Scope: 'local',
  }
}

/** docker finds a name by any part of it, or by a pattern. */
export function matchesName(name: string, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.some(want => name.includes(want) || globToRegExp(want).test(name))
}
