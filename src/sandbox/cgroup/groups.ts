import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno, ShaleError } from '../../error.ts'
import type { CgroupFolder, CgroupSetting } from './plan.ts'

/** Groups that have been made for one container. */
export interface Cgroups {
  /** What the container's first process writes `0` to, to be in them. */
  readonly joinFiles: readonly string[]
  /** How many of its processes the kernel has ended for lack of memory; undefined without a limit of memory. */
  oomKills(): number | undefined
  /** Removes them; nothing may run in them any more. */
  remove(): void
}

/** A group that a killed helper left behind is as old at least. */
const STALE_MS = 60_000

/** Makes the groups with their limits. Throws `CGROUP` with the file that does not take its value, leaving none behind. */
export function makeCgroups(folders: readonly CgroupFolder[]): Cgroups {
  const made: string[] = []
  const remove = (): void => {
    for (const folder of made.splice(0)) removeGroup(folder)
  }
  try {
    for (const planned of folders) {
      makeParent(planned)
      mkdirSync(planned.folder)
      made.push(planned.folder)
      inheritCpuset(planned, planned.folder)
      for (const setting of planned.settings) set(planned.folder, setting)
    }
  } catch (error) {
    remove()
    throw error
  }
  const memory = folders.find(({ controllers }) => controllers.includes('memory'))
  return {
    joinFiles: folders.map(({ folder }) => join(folder, 'cgroup.procs')),
    oomKills: () => memory && oomKills(memory),
    remove,
  }
}

function makeParent(planned: CgroupFolder): void {
  const { parent, version, controllers } = planned
  try {
    mkdirSync(parent, { recursive: true })
    if (version === 2) {
      for (const folder of [join(parent, '..'), parent]) switchOn(join(folder, 'cgroup.subtree_control'), controllers)
    }
  } catch (cause) {
    throw refused(parent, (cause as Error).message, cause)
  }
  inheritCpuset(planned, parent)
  sweep(parent)
}

function switchOn(file: string, controllers: readonly string[]): void {
  const on = readFileSync(file, 'latin1').trim().split(/\s+/)
  const missing = controllers.filter(name => !on.includes(name))
  if (missing.length > 0) writeFileSync(file, missing.map(name => `+${name}`).join(' '))
}

/** In version 1 a new group has no processors and no memory nodes, and nothing can run in it. */
function inheritCpuset({ version, controllers }: CgroupFolder, folder: string): void {
  if (version !== 1 || !controllers.includes('cpuset')) return
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (readFileSync(join(folder, file), 'utf8').trim() !== '') continue
    writeFileSync(join(folder, file), readFileSync(join(folder, '..', file)))
  }
}

function set(folder: string, { file, value, optional }: CgroupSetting): void {
  try {
    writeFileSync(join(folder, file), value)
  } catch (cause) {
    if (optional === true && isErrno(cause, 'ENOENT', 'EACCES')) return
    throw refused(join(folder, file), `${value} is not taken: ${(cause as Error).message}`, cause)
  }
}

/** The kernel refuses to remove a group that something runs in. */
function sweep(parent: string): void {
  for (const entry of readdirSync(parent, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const folder = join(parent, entry.name)
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY)
    if (age > STALE_MS) removeGroup(folder)
  }
}

function removeGroup(folder: string): void {
  try {
    rmdirSync(folder)
  } catch (error) {
    if (!isErrno(error, 'EBUSY', 'ENOENT', 'EACCES')) throw error
  }
}

function oomKills({ version, folder }: CgroupFolder): number {
  const file = version === 1 ? 'memory.oom_control' : 'memory.events'
  const count = /^oom_kill (\d+)$/m.exec(readFileSync(join(folder, file), 'latin1'))?.[1]
  return Number(count ?? 0)
}

function refused(path: string, why: string, cause: unknown): ShaleError {
  return new ShaleError('CGROUP', `cannot limit resources by ${path}: ${why}`, { cause })
}
