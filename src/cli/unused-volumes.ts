import { ShaleError } from '../error.ts'
import { allocatedBytes } from '../store/allocated.ts'
import type { VolumeInfo, VolumeStore } from '../store/volumes.ts'

/** Those that no container has; unless `all`, only anonymous ones. `going` are IDs of containers that do not count. */
export function unusedVolumes(
  volumes: VolumeStore,
  all: boolean,
  going: ReadonlySet<string> = new Set(),
): readonly VolumeInfo[] {
  const isUnused = ({ users }: VolumeInfo) => users.every(user => going.has(user))
  return volumes.list().filter(volume => isUnused(volume) && (all || volume.anonymous))
}

/** A volume and what it takes on the disk. */
export interface MeasuredVolume {
  readonly name: string
  readonly bytes: number
}

export function volumeSizes(volumes: readonly VolumeInfo[]): readonly MeasuredVolume[] {
  return volumes.map(({ name, mountpoint }) => ({ name, bytes: allocatedBytes(mountpoint, new Set()) }))
}

/** One that a container has taken meanwhile stays. */
export async function removeVolumes(
  volumes: VolumeStore,
  unused: readonly VolumeInfo[],
): Promise<readonly MeasuredVolume[]> {
  const removed: MeasuredVolume[] = []
  for (const each of volumeSizes(unused)) {
    try {
      await volumes.remove(each.name)
      removed.push(each)
    } catch (error) {
      const isTaken = error instanceof ShaleError && ['VOLUME_IN_USE', 'VOLUME_NOT_FOUND'].includes(error.code)
      if (!isTaken) throw error
    }
  }
  return removed
}
