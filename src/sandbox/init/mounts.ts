import { chownSync, closeSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { isErrno, ShaleError } from '../../error.ts'
import type { RuntimeSpec, SpecMount } from '../bundle.ts'
import { AT_FDCWD, MOUNT_ATTR, MS, mount, openPath, RESOLVE, setMountAttributes } from '../syscalls.ts'
import type { InitInput, MemoryFile } from './input.ts'
import { resolveInRoot } from './resolve.ts'
import type { Scratch, Target } from './root.ts'

/** Options of runtime-spec mounts that are flags of mount(2), all others are handed to the file system. */
const FLAGS: Readonly<Record<string, number>> = {
  ro: MS.rdonly,
  nosuid: MS.nosuid,
  nodev: MS.nodev,
  noexec: MS.noexec,
  strictatime: MS.strictatime,
  relatime: MS.relatime,
  noatime: MS.noatime,
  bind: MS.bind,
  rbind: MS.bind | MS.rec,
  rprivate: 0,
  private: 0,
  rw: 0,
}

const ATTRIBUTES: Readonly<Record<string, number>> = {
  ro: MOUNT_ATTR.rdonly,
  nosuid: MOUNT_ATTR.nosuid,
  nodev: MOUNT_ATTR.nodev,
  noexec: MOUNT_ATTR.noexec,
}

/** The paths that `mountAll` will mount on. */
export function mountTargets(spec: RuntimeSpec, files: readonly MemoryFile[]): readonly Target[] {
  return [
    ...spec.mounts.map(({ destination, source, options }): Target => {
      const bind = options.includes('bind') || options.includes('rbind')
      return { path: destination, kind: bind && !isDirectory(source) ? 'file' : 'directory' }
    }),
    ...files.map(({ target }): Target => ({ path: target, kind: 'file' })),
  ]
}

export function mountAll({ spec, files, cgroups: joined }: InitInput, scratch: Scratch): void {
  for (const entry of spec.mounts) {
    if (entry.type === 'cgroup') mountCgroups(scratch.root, entry, joined)
    else mountOne(scratch.root, entry)
    if (entry.destination === '/dev' && entry.type === 'tmpfs') fillDev(scratch.root)
  }
  files.forEach((file, index) => {
    mountFile(scratch, file, `${scratch.files}/${index}`)
  })
}

/** Hides and protects what /proc and /sys would give away or let be changed. */
export function protect({ maskedPaths, readonlyPaths }: RuntimeSpec['linux'], { root, blank }: Scratch): void {
  for (const path of readonlyPaths) {
    onExisting(root, path, at => mount({ source: at, target: at, flags: MS.bind | MS.rec }))
    onExisting(root, path, at => setMountAttributes(at, MOUNT_ATTR.rdonly, true))
  }
  for (const path of maskedPaths) {
    onExisting(root, path, at => {
      const source = statSync(at).isDirectory() ? blank : '/dev/null'
      mount({ source, target: at, flags: MS.bind })
    })
    onExisting(root, path, at => setMountAttributes(at, MOUNT_ATTR.rdonly, false))
  }
}

function mountOne(root: string, { destination, type, source, options }: SpecMount): void {
  const flags = options.reduce((sum, option) => sum | (FLAGS[option] ?? 0), 0)
  const bind = (flags & MS.bind) !== 0
  const isFile = bind && !isDirectory(source)
  const path = madeTarget(root, { path: destination, kind: isFile ? 'file' : 'directory' })
  if (!bind) {
    const data = options.filter(option => FLAGS[option] === undefined).join(',')
    at(root, path, target => mount({ source, target, type, flags, data }))
    return
  }
  at(root, path, target => mount({ source, target, flags: flags & (MS.bind | MS.rec) }))
  const attributes = options.reduce((sum, option) => sum | (ATTRIBUTES[option] ?? 0), 0)
  if (attributes !== 0) at(root, path, target => setMountAttributes(target, attributes, true))
}

/**
 * Of the hierarchies those that the container has a group in, which is the root of what it sees; in all others it would
 * see the host's.
 */
function mountCgroups(root: string, { destination, options }: SpecMount, joined: readonly string[]): void {
  const hierarchies = cgroupMounts().filter(({ point }) => joined.some(file => file.startsWith(`${point}/`)))
  const only = hierarchies.find(({ point }) => point === '/sys/fs/cgroup')
  const mounted = (at: string, { type, data }: CgroupMount): void =>
    mountOne(root, { destination: at, type, source: 'cgroup', options: [...options, ...data] })
  try {
    if (only !== undefined) {
      mounted(destination, only)
      return
    }
    mountOne(root, { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', 'mode=755'] })
    for (const each of hierarchies) mounted(`${destination}/${basename(each.point)}`, each)
    at(root, resolveInRoot(root, destination).path, target => setMountAttributes(target, MOUNT_ATTR.rdonly, false))
  } catch (error) {
    // Those of version 1 are for the host's root only.
    if (!(error instanceof ShaleError && isErrno(error.cause, 'EPERM'))) throw error
  }
}

interface CgroupMount {
  readonly point: string
  readonly type: string
  readonly data: readonly string[]
}

/** Source: proc_pid_mountinfo(5). */
function cgroupMounts(): readonly CgroupMount[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap(line => {
      const [before = '', after = ''] = line.split(' - ')
      const point = before.split(' ')[4] ?? ''
      const [type = '', , options = ''] = after.split(' ')
      if (type !== 'cgroup' && type !== 'cgroup2') return []
      const data = type === 'cgroup' ? options.split(',').filter(word => word !== 'rw' && word !== 'ro') : []
      return [{ point, type, data }]
    })
}

function mountFile({ root }: Scratch, file: MemoryFile, source: string): void {
  writeFileSync(source, file.content, { mode: file.mode })
  chownSync(source, file.uid, file.gid)
  const path = madeTarget(root, { path: file.target, kind: 'file' })
  at(root, path, target => mount({ source, target, flags: MS.bind }))
  const attributes = MOUNT_ATTR.nosuid | MOUNT_ATTR.nodev | (file.readonly ? MOUNT_ATTR.rdonly : 0)
  at(root, path, target => setMountAttributes(target, attributes, false))
}

/**
 * Device nodes come by bind mounts and /dev itself is nodev, like the whole root: a node that the command makes
 * can be stored in the image but not opened, so no device controller is needed to keep it from the host's disks.
 */
function fillDev(root: string): void {
  for (const name of ['null', 'zero', 'full', 'random', 'urandom', 'tty']) {
    mountOne(root, { destination: `/dev/${name}`, type: 'none', source: `/dev/${name}`, options: ['bind'] })
  }
  const links = {
    fd: '/proc/self/fd',
    stdin: '/proc/self/fd/0',
    stdout: '/proc/self/fd/1',
    stderr: '/proc/self/fd/2',
    core: '/proc/kcore',
    ptmx: 'pts/ptmx',
  }
  const folder = resolveInRoot(root, '/dev').path
  for (const [name, target] of Object.entries(links)) symlinkSync(target, `${root}/${folder}/${name}`)
}

/** Where the target really lies; inside of earlier mounts it is made if need be (all others have their stub). */
function madeTarget(root: string, { path, kind }: Target): string {
  const resolved = resolveInRoot(root, path)
  const names = resolved.path.split('/')
  if (resolved.path === '' || resolved.existing === names.length) return resolved.path
  // In a volume others may put links where there were none: each step goes from a folder that is held open.
  for (let depth = resolved.existing; depth < names.length; depth++) {
    const name = names[depth] as string
    const last = depth === names.length - 1
    at(root, names.slice(0, depth).join('/'), folder => {
      if (last && kind === 'file') writeFileSync(`${folder}/${name}`, '', { flag: 'wx', mode: 0o644 })
      else mkdirSync(`${folder}/${name}`, { mode: 0o755 })
    })
  }
  return resolved.path
}

/** Calls back with a name for exactly this path of the root: should a link have come in its way, it fails. */
function at(root: string, path: string, use: (name: string) => void): void {
  const rootFd = openPath(AT_FDCWD, root, 0)
  try {
    const fd = openPath(rootFd, path === '' ? '.' : path, RESOLVE.beneath | RESOLVE.noSymlinks | RESOLVE.noMagiclinks)
    try {
      use(`/proc/self/fd/${fd}`)
    } catch (error) {
      throw new ShaleError('MOUNT_FAILED', `cannot mount on /${path}: ${(error as Error).message}`, { cause: error })
    } finally {
      closeSync(fd)
    }
  } finally {
    closeSync(rootFd)
  }
}

function onExisting(root: string, path: string, use: (name: string) => void): void {
  const resolved = resolveInRoot(root, path)
  if (resolved.path !== '' && resolved.existing === resolved.path.split('/').length) at(root, resolved.path, use)
}

function isDirectory(path: string): boolean {
  try {
    return lstatSync(path).isDirectory() || statSync(path).isDirectory()
  } catch (error) {
    if (isErrno(error, 'ENOENT')) {
      throw new ShaleError('MOUNT_SOURCE', `cannot mount ${path}: it does not exist on the host`, { cause: error })
    }
    throw error
  }
}
