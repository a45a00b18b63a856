import { ShaleError } from '../../error.ts'
import type { RunMount } from '../../sandbox/run-request.ts'
import type { Store } from '../../store/types.ts'
import type { VolumeInfo } from '../../store/volumes.ts'
import type { ResolvedMount } from './types.ts'
import { volumeKind } from './volume-options.ts'

/** The mounts of a container as its runtime gets them. Throws `VOLUME_NOT_FOUND` when one was removed meanwhile. */
export function runMounts(store: Store, mounts: readonly ResolvedMount[]): readonly RunMount[] {
  return mounts.map(mount => runMount(store, mount))
}

function runMount({ volumes }: Store, mount: ResolvedMount): RunMount {
  const { target, readonly } = mount
  switch (mount.type) {
    case 'bind':
      return { kind: 'bind', source: mount.source, target, readonly }
    case 'tmpfs': {
      const { size, mode, exec } = mount
      const given = { ...(size !== undefined && { size }), ...(mode !== undefined && { mode }) }
      return { kind: 'tmpfs', target, readonly, noexec: exec !== true, ...given }
    }
    case 'volume': {
      const volume = volumes.get(mount.name)
      if (volume === undefined) throw new ShaleError('VOLUME_NOT_FOUND', `get ${mount.name}: no such volume`)
      return volumeMount(volume, mount)
    }
  }
}

function volumeMount(
  { options, mountpoint }: VolumeInfo,
  { target, readonly, subpath }: Extract<ResolvedMount, { readonly type: 'volume' }>,
): RunMount {
  const volume = volumeKind(options)
  if (volume.kind === 'tmpfs') {
    const { size } = volume
    return { kind: 'tmpfs', target, readonly, ...(size !== undefined && { size }) }
  }
  const source = volume.kind === 'bind' ? volume.device : mountpoint
  if (subpath !== undefined) return { kind: 'beneath', root: source, path: subpath, target, readonly }
  return { kind: 'bind', source, target, readonly }
}
