import { accessSync, constants, readFileSync } from 'node:fs'

/** What a process writes `0` to, to be in the same groups as another one; those that it may not enter are left out. */
export function groupsOf(pid: number): readonly string[] {
  const own = new Set(lines('self'))
  return lines(String(pid))
    .filter(line => !own.has(line))
    .map(joinFile)
    .filter(isWritable)
}

/** Each is `hierarchy:controllers:path`. Source: cgroups(7). */
function lines(pid: string): readonly string[] {
  return readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')
}

function joinFile(line: string): string {
  const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
  const hierarchy = controllers === '' ? '' : `/${controllers.replace(/^name=/, '')}`
  return `/sys/fs/cgroup${hierarchy}${path}/cgroup.procs`
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
