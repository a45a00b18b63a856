import { chownSync, statSync, writeFileSync } from 'node:fs'
import type { SpecMount } from '../bundle.ts'
import type { Resources } from '../cgroup/resources.ts'
import type { InitInput } from '../init/input.ts'
import { mountTargets } from '../init/mounts.ts'
import { possibleRlimits } from '../init/privileges.ts'
import { makeScratch, mountRoot, type Scratch } from '../init/root.ts'
import type { OciRuntime } from '../isolation.ts'
import { unmountLazily } from '../syscalls.ts'

/** A root file system that is mounted here, for a runtime to take, and the document that describes the container. */
export interface MountedBundle {
  /** `config.json` of the runtime-spec. */
  readonly config: string
  unmount(): void
}

/** A limit of "unlimited" has no number that JSON in JavaScript could write. */
const UNLIMITED = '@unlimited'

/** Mounts the root in this process's namespace. `name` is the container's in the runtime's eyes. */
export function mountBundle(input: InitInput, runtime: OciRuntime, name: string, resources: Resources): MountedBundle {
  const folder = process.cwd()
  const scratch = makeScratch(input.overlay.work)
  const unmount = (): void => {
    unmountLazily(scratch.root)
    unmountLazily(scratch.root.slice(0, -'/root'.length))
  }
  try {
    mountRoot(input.overlay, scratch, mountTargets(input.spec, input.files))
    return { config: configOf(input, runtime, { scratch, name, resources }), unmount }
  } catch (error) {
    unmount()
    throw error
  } finally {
    process.chdir(folder)
  }
}

interface Place {
  readonly scratch: Scratch
  readonly name: string
  readonly resources: Resources
}

function configOf(
  { spec, files, overlay }: InitInput,
  runtime: OciRuntime,
  { scratch, name, resources }: Place,
): string {
  const limits = possibleRlimits(spec.process.rlimits)
  const number = (limit: number): number | string => (limit < 0 ? UNLIMITED : limit)
  const config = {
    ...spec,
    // What we ask for was there then, and older crun takes no later one.
    ociVersion: '1.0.2',
    root: { ...spec.root, path: scratch.root },
    process: {
      ...spec.process,
      rlimits: limits.map(({ type, soft, hard }) => ({ type, soft: number(soft), hard: number(hard) })),
    },
    mounts: [
      ...spec.mounts.filter(({ type }) => type !== 'cgroup' || runtime === 'runc').map(withDevices),
      ...files.map((file, index): SpecMount => {
        const source = `${scratch.files}/${index}`
        writeFileSync(source, file.content, { mode: file.mode })
        chownSync(source, file.uid, file.gid)
        const options = ['bind', 'rprivate', 'nosuid', 'nodev', ...(file.readonly ? ['ro'] : [])]
        return { destination: file.target, type: 'bind', source, options }
      }),
    ],
    linux: {
      ...spec.linux,
      // An ordinary user is not let make groups, and runc minds when it has been told which.
      ...(!overlay.userXattr && { cgroupsPath: `/shale/${name}`, resources: ociResources(spec.mounts, resources) }),
    },
  }
  return JSON.stringify(config).replaceAll(`"${UNLIMITED}"`, '18446744073709551615')
}

/** These runtimes make the nodes of /dev where ours binds them. */
function withDevices(mount: SpecMount): SpecMount {
  return mount.destination === '/dev' ? { ...mount, options: mount.options.filter(word => word !== 'nodev') } : mount
}

/** Devices that are not granted cannot be opened, whatever nodes there are. */
function ociResources(mounts: readonly SpecMount[], resources: Resources) {
  const { memory, memorySwap, memoryReservation, cpus, cpuShares, cpusetCpus, pidsLimit } = resources
  const period = 100_000
  return {
    devices: [{ allow: false, access: 'rwm' }, ...mounts.flatMap(deviceRule)],
    memory: { limit: memory, swap: memorySwap ?? (memory && memory * 2), reservation: memoryReservation },
    cpu: {
      shares: cpuShares,
      ...(cpus !== undefined && { period, quota: Math.round(cpus * period) }),
      cpus: cpusetCpus,
    },
    ...(pidsLimit !== undefined && { pids: { limit: pidsLimit } }),
  }
}

function deviceRule({ source, destination }: SpecMount) {
  if (!destination.startsWith('/dev/') || !source.startsWith('/')) return []
  const stats = statSync(source)
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return []
  const type = stats.isBlockDevice() ? 'b' : 'c'
  return [{ allow: true, type, major: major(stats.rdev), minor: minor(stats.rdev), access: 'rwm' }]
}

/** Source: include/linux/kdev_t.h, new_encode_dev. */
function major(device: number): number {
  return (device >> 8) & 0xfff
}

function minor(device: number): number {
  return (device & 0xff) | ((device >> 12) & 0xfff00)
}
