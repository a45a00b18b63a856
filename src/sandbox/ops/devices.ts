import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno, ShaleError } from '../../error.ts'
import type { HostDevice, Isolation } from '../isolation.ts'

/** Of /dev: what is a container's own, and what docker leaves out. */
const OWN = new Set(['console', 'core', 'fd', 'full', 'mqueue', 'null', 'ptmx', 'pts', 'random', 'shm', 'stderr'])
const MORE_OWN = new Set(['stdin', 'stdout', 'tty', 'urandom', 'zero', '.lxc', '.lxd-mounts', '.udev'])

/**
 * The device nodes that a configuration means: folders as what is in them, and all of the host's for a privileged one.
 * Throws `DEVICE` for what is no device.
 */
export function devicesOf({ devices = [], privileged }: Isolation): readonly HostDevice[] {
  return [...devices.flatMap(named), ...(privileged === true ? all() : [])]
}

function named(device: HostDevice): readonly HostDevice[] {
  const why = `error gathering device information while adding custom device "${device.source}"`
  if (!device.access.includes('r') || !device.access.includes('w')) {
    throw new ShaleError('DEVICE', `${why}: the built-in runtime cannot give it for ${device.access} only`, {
      hint: 'write rwm, or leave it out',
    })
  }
  let found: readonly HostDevice[] | undefined
  try {
    found = within(device, statSync(device.source))
  } catch (cause) {
    if (!isErrno(cause)) throw cause
    const words = cause.code === 'ENOENT' ? 'no such file or directory' : cause.message
    throw new ShaleError('DEVICE', `${why}: ${words}`, { cause })
  }
  if (found.length > 0) return found
  throw new ShaleError('DEVICE', `${why}: not a device node`)
}

function all(): readonly HostDevice[] {
  return readdirSync('/dev')
    .filter(name => !OWN.has(name) && !MORE_OWN.has(name))
    .flatMap(name => entry({ source: `/dev/${name}`, target: `/dev/${name}`, access: 'rwm' }))
}

/** Links of a folder are names of what is there, or of what is elsewhere; either way they are left out. */
function entry(device: HostDevice): readonly HostDevice[] {
  const stats = lstatSync(device.source, { throwIfNoEntry: false })
  return stats === undefined ? [] : within(device, stats)
}

function within(device: HostDevice, stats: Stats): readonly HostDevice[] {
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return [device]
  if (!stats.isDirectory()) return []
  return readdirSync(device.source).flatMap(name =>
    entry({ ...device, source: join(device.source, name), target: join(device.target, name) }),
  )
}
