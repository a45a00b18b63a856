import { accessSync, constants, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The controllers that limits need. */
export const CONTROLLERS = ['memory', 'cpu', 'cpuset', 'pids'] as const
export type Controller = (typeof CONTROLLERS)[number]

/** A folder of a cgroup hierarchy in which we may make groups. */
export interface Hierarchy {
  readonly version: 1 | 2
  /** Absolute; the group that ours become children of. */
  readonly folder: string
}

/** Where groups can be made here, by controller; a controller that is missing cannot be used. */
export type CgroupHost = Readonly<Partial<Record<Controller, Hierarchy>>>

/** Files of /proc and who may write a folder, so that tests can have other machines. */
export interface CgroupFacts {
  /** /proc/self/mountinfo */
  readonly mountinfo: string
  /** /proc/self/cgroup */
  readonly cgroup: string
  readonly root: boolean
  /** The content of a file, undefined when it cannot be read. */
  read(path: string): string | undefined
  writable(folder: string): boolean
}

/**
 * Root makes groups below the root of each hierarchy, as docker does. Others make them beside their own group or below
 * it, where that is theirs and has the controller, as in a scope of systemd's user manager. Source: cgroups(7).
 */
export function cgroupHost(facts: CgroupFacts = ownFacts()): CgroupHost {
  const found = facts.mountinfo.split('\n').flatMap(mountOf)
  const lines = facts.cgroup.split('\n').filter(line => line !== '')
  const own = new Map(lines.map(line => [line.split(':')[1] ?? '', line.split(':')[2] ?? '/']))
  const host: Partial<Record<Controller, Hierarchy>> = {}
  for (const { point, version, controllers } of found) {
    const group = join(point, version === 1 ? groupOf(own, controllers) : (own.get('') ?? '/'))
    for (const folder of facts.root ? [point] : [group, dirname(group)]) {
      if (!facts.writable(folder)) continue
      const names = version === 1 ? controllers : words(facts.read(join(folder, offered(facts))))
      for (const name of CONTROLLERS) if (names.includes(name)) host[name] ??= { version, folder }
    }
  }
  return host
}

/** Only the root of the hierarchy may have both processes and controllers for groups below, so root can switch them on. */
function offered({ root }: CgroupFacts): string {
  return root ? 'cgroup.controllers' : 'cgroup.subtree_control'
}

function words(text: string | undefined): readonly string[] {
  return (text ?? '').trim().split(/\s+/)
}

interface CgroupMount {
  readonly point: string
  readonly version: 1 | 2
  readonly controllers: readonly string[]
}

/** Source: proc_pid_mountinfo(5); the fields after ` - ` are type, source and the options of the file system. */
function mountOf(line: string): readonly CgroupMount[] {
  const [before = '', after = ''] = line.split(' - ')
  const point = before.split(' ')[4] ?? ''
  const [type, , options = ''] = after.split(' ')
  if (type === 'cgroup2') return [{ point, version: 2, controllers: [] }]
  return type === 'cgroup' ? [{ point, version: 1, controllers: options.split(',') }] : []
}

function groupOf(own: ReadonlyMap<string, string>, controllers: readonly string[]): string {
  const line = [...own.keys()].find(names => names.split(',').some(name => name !== '' && controllers.includes(name)))
  return line === undefined ? '/' : (own.get(line) ?? '/')
}

function ownFacts(): CgroupFacts {
  const read = (path: string): string | undefined => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  }
  return {
    mountinfo: read('/proc/self/mountinfo') ?? '',
    cgroup: read('/proc/self/cgroup') ?? '',
    root: process.geteuid?.() === 0,
    read,
    writable: folder => {
      try {
        accessSync(folder, constants.W_OK)
        return true
      } catch {
        return false
      }
    },
  }
}
