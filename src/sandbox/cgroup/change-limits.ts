import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno, ShaleError } from '../../error.ts'
import { cgroupHost } from './host.ts'
import { type CgroupFolder, type CgroupSetting, planCgroups } from './plan.ts'
import type { Resources } from './resources.ts'

/**
 * Changes the limits of a container that runs, by its first process. True when all of them hold now; false when the
 * container has no group for some, because it was started without such a limit or none can be made here. Throws `CGROUP`
 * with the file that does not take its value.
 */
export function changeLimits(pid: number, resources: Resources): boolean {
  // Our groups have a name of their own below one of this name, whatever is above.
  const name = /\/shale\/([^/\n]+)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1]
  if (name === undefined) return false
  const { folders, warnings } = planCgroups(resources, cgroupHost(), name)
  const there = folders.filter(({ folder }) => existsSync(folder))
  for (const planned of there) setAll(planned)
  return warnings.length === 0 && there.length === folders.length
}

/** Memory with swap can never be below memory alone, so which of them goes first depends on what they were. */
function setAll({ folder, settings }: CgroupFolder): void {
  const left = settings.filter(setting => !isSet(folder, setting))
  for (const setting of left) {
    if (!isSet(folder, setting)) throw refused(join(folder, setting.file), setting.value)
  }
}

function isSet(folder: string, { file, value, optional }: CgroupSetting): boolean {
  try {
    writeFileSync(join(folder, file), value, { flag: 'r+' })
    return true
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'EINVAL', 'EBUSY')) throw error
    return optional === true && isErrno(error, 'ENOENT', 'EACCES')
  }
}

function refused(path: string, value: string): ShaleError {
  return new ShaleError('CGROUP', `cannot change the limit: ${path} does not take ${value}`, {
    hint: 'less memory than the container holds cannot be set',
  })
}
