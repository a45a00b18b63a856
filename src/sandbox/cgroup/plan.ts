import { join } from 'node:path'
import { type CgroupHost, CONTROLLERS, type Controller, type Hierarchy } from './host.ts'
import type { Resources } from './resources.ts'

/** A group to make, in one hierarchy. */
export interface CgroupFolder {
  readonly version: 1 | 2
  /** The group that ours lies in, which is made when missing. */
  readonly parent: string
  /** Ours. */
  readonly folder: string
  readonly controllers: readonly Controller[]
  /** In this order. */
  readonly settings: readonly CgroupSetting[]
}

export interface CgroupSetting {
  readonly file: string
  readonly value: string
  /** Kernels without swap accounting lack the file. */
  readonly optional?: boolean
}

export interface CgroupPlan {
  readonly folders: readonly CgroupFolder[]
  /** What is asked for and cannot be had here, each a sentence for a person. */
  readonly warnings: readonly string[]
}

/** All our groups lie in one of this name. */
const PARENT = 'shale'

/** The groups for a container's limits. Controllers that cannot be used make a warning, as with docker and podman. */
export function planCgroups(resources: Resources, host: CgroupHost, name: string): CgroupPlan {
  const folders = new Map<string, CgroupFolder>()
  const warnings: string[] = []
  for (const controller of CONTROLLERS) {
    const hierarchy = host[controller]
    const settings = SETTINGS[controller](resources, hierarchy?.version ?? 2)
    if (settings.length === 0) continue
    if (hierarchy === undefined) {
      warnings.push(unavailable(controller))
      continue
    }
    folders.set(hierarchy.folder, withController(folders.get(hierarchy.folder), hierarchy, name, controller, settings))
  }
  return { folders: [...folders.values()], warnings }
}

function withController(
  known: CgroupFolder | undefined,
  { version, folder }: Hierarchy,
  name: string,
  controller: Controller,
  settings: readonly CgroupSetting[],
): CgroupFolder {
  const parent = join(folder, PARENT)
  return {
    version,
    parent,
    folder: join(parent, name),
    controllers: [...(known?.controllers ?? []), controller],
    settings: [...(known?.settings ?? []), ...settings],
  }
}

const WHAT: Readonly<Record<Controller, string>> = {
  memory: 'memory limits',
  cpu: 'CPU limits',
  cpuset: 'the choice of CPUs',
  pids: 'the limit of processes',
}

function unavailable(controller: Controller): string {
  return `${WHAT[controller]} cannot be set here and are discarded: no ${controller} controller that this user may use (with systemd, try under: systemd-run --user --scope)`
}

type SettingsOf = (resources: Resources, version: 1 | 2) => readonly CgroupSetting[]

/** Sources: Documentation/admin-guide/cgroup-v1/ and cgroup-v2.rst of Linux 6.18. */
const SETTINGS: Readonly<Record<Controller, SettingsOf>> = {
  memory: (resources, version) => (version === 1 ? memory1(resources) : memory2(resources)),
  cpu: ({ cpus, cpuShares }, version) => [
    ...(cpus === undefined ? [] : cpuTime(Math.round(cpus * PERIOD), version)),
    ...(cpuShares === undefined ? [] : cpuWeight(cpuShares, version)),
  ],
  cpuset: ({ cpusetCpus }) => (cpusetCpus === undefined ? [] : [{ file: 'cpuset.cpus', value: cpusetCpus }]),
  pids: ({ pidsLimit }) => (pidsLimit === undefined ? [] : [{ file: 'pids.max', value: String(pidsLimit) }]),
}

function memory1({ memory, memorySwap, memoryReservation }: Resources): readonly CgroupSetting[] {
  const both = memorySwap ?? (memory === undefined ? undefined : memory * 2)
  return [
    ...(memory === undefined ? [] : [{ file: 'memory.limit_in_bytes', value: String(memory) }]),
    ...(both === undefined ? [] : [{ file: 'memory.memsw.limit_in_bytes', value: String(both), optional: true }]),
    ...(memoryReservation === undefined
      ? []
      : [{ file: 'memory.soft_limit_in_bytes', value: String(memoryReservation) }]),
  ]
}

function memory2({ memory, memorySwap, memoryReservation }: Resources): readonly CgroupSetting[] {
  const swap = memory === undefined ? undefined : memorySwap === undefined ? memory : memorySwap - memory
  const value = memorySwap === -1 ? 'max' : String(swap)
  return [
    ...(memory === undefined ? [] : [{ file: 'memory.max', value: String(memory) }]),
    ...(swap === undefined ? [] : [{ file: 'memory.swap.max', value, optional: true }]),
    ...(memoryReservation === undefined ? [] : [{ file: 'memory.low', value: String(memoryReservation) }]),
  ]
}

/** Microseconds; docker's. */
const PERIOD = 100_000

function cpuTime(quota: number, version: 1 | 2): readonly CgroupSetting[] {
  if (version === 2) return [{ file: 'cpu.max', value: `${quota} ${PERIOD}` }]
  return [
    { file: 'cpu.cfs_period_us', value: String(PERIOD) },
    { file: 'cpu.cfs_quota_us', value: String(quota) },
  ]
}

/** Shares go from 2 to 262144, weights from 1 to 10000. */
function cpuWeight(shares: number, version: 1 | 2): readonly CgroupSetting[] {
  if (version === 1) return [{ file: 'cpu.shares', value: String(shares) }]
  return [{ file: 'cpu.weight', value: String(1 + Math.floor(((shares - 2) * 9999) / 262142)) }]
}
