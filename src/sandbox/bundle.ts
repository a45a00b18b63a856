import { release } from 'node:os'
import { CAPABILITIES, DEFAULT_CAPABILITIES } from './capabilities.ts'
import { limitsAnything } from './cgroup/resources.ts'
import type { HostDevice, Isolation, Rlimit } from './isolation.ts'
import { DEFAULT_HOSTNAME, type PlainMount, type RunConfig } from './run-request.ts'
import { DEFAULT_PROFILE } from './seccomp/default-profile.ts'
import { resolveProfile } from './seccomp/resolve.ts'
import type { SpecSeccomp } from './seccomp/spec.ts'

/** The part of an OCI runtime-spec v1.2 `config.json` that the built-in runtime reads. */
export interface RuntimeSpec {
  readonly ociVersion: '1.2.0'
  readonly process: SpecProcess
  readonly root: { readonly path: string; readonly readonly: boolean }
  readonly hostname: string
  readonly mounts: readonly SpecMount[]
  readonly linux: SpecLinux
}

export interface SpecProcess {
  readonly terminal: boolean
  readonly user: {
    readonly uid: number
    readonly gid: number
    readonly umask: number
    readonly additionalGids: readonly number[]
  }
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly capabilities: Readonly<Record<CapabilitySet, readonly string[]>>
  readonly rlimits: readonly Rlimit[]
  readonly noNewPrivileges: boolean
  readonly oomScoreAdj?: number
}

export type CapabilitySet = 'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient'

export interface SpecMount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

export interface SpecLinux {
  readonly namespaces: readonly {
    readonly type: 'pid' | 'mount' | 'ipc' | 'uts' | 'cgroup' | 'network'
    /** One that is there already, to join. */
    readonly path?: string
  }[]
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
  readonly seccomp?: SpecSeccomp
  readonly sysctl?: Readonly<Record<string, string>>
}

/** What the runtime has to know about where it runs to ask only for what it is allowed to. */
export interface BundleHost {
  /** In a user namespace: no fresh sysfs on the host's network, no group 5 unless it is mapped. */
  readonly rootless: boolean
  /** Whether group 5 (tty) exists in the user namespace. */
  readonly ttyGroup: boolean
}

/** Source: moby's default spec (oci/defaults.go). */
const MASKED_PATHS: readonly string[] = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]

const READONLY_PATHS: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** Node raises the soft limit for itself; 1,024 is what services and logins get, and what select(2) can bear. */
const NOFILE: Rlimit = { type: 'RLIMIT_NOFILE', soft: 1024, hard: -1 }

/** So that programs find how much memory they may use. */
const CGROUP_MOUNT: SpecMount = {
  destination: '/sys/fs/cgroup',
  type: 'cgroup',
  source: 'cgroup',
  options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
}

const DEFAULT_SHM_SIZE = 64 * 1024 * 1024

/** The OCI bundle of one run; the same document serves the built-in runtime, runc and crun. */
export function runtimeSpec(
  config: RunConfig,
  mounts: readonly PlainMount[],
  rootPath: string,
  host: BundleHost,
): RuntimeSpec {
  const privileged = config.privileged === true
  const unmasked = privileged || config.unmaskedPaths === true
  const process = specProcess(config)
  const seccomp = specSeccomp(config, process.capabilities.bounding)
  return {
    ociVersion: '1.2.0',
    process,
    root: { path: rootPath, readonly: config.readonlyRoot === true },
    hostname: config.hostname ?? DEFAULT_HOSTNAME,
    mounts: [...systemMounts(config, host), ...mounts.flatMap(mount => specMount(mount, privileged))],
    linux: {
      namespaces: [
        { type: 'pid' },
        { type: 'mount' },
        ...(config.ipc === 'host' ? [] : [{ type: 'ipc' } as const]),
        { type: 'uts' },
        ...(config.cgroupns === 'host' ? [] : [{ type: 'cgroup' } as const]),
        ...(config.networkMode !== 'host' ? [{ type: 'network' } as const] : []),
      ],
      maskedPaths: unmasked ? [] : MASKED_PATHS,
      readonlyPaths: unmasked ? [] : READONLY_PATHS,
      ...(seccomp !== undefined && { seccomp }),
      ...(config.sysctls !== undefined && { sysctl: config.sysctls }),
    },
  }
}

/** The process of a run, or a further one in its container. */
export function specProcess(config: RunConfig): SpecProcess {
  const uid = config.uid ?? 0
  const all = config.privileged === true ? CAPABILITIES : (config.capabilities ?? DEFAULT_CAPABILITIES)
  const held = uid === 0 ? all : []
  return {
    terminal: config.terminal !== undefined,
    user: { uid, gid: config.gid ?? 0, umask: config.umask ?? 0o22, additionalGids: config.additionalGids ?? [] },
    args: config.args,
    env: config.env,
    cwd: config.cwd ?? '/',
    // Nothing is inheritable, as in Docker since CVE-2022-24769.
    capabilities: { bounding: all, effective: held, permitted: held, inheritable: [], ambient: [] },
    rlimits: [NOFILE, ...(config.rlimits ?? [])],
    noNewPrivileges: config.noNewPrivileges === true,
    ...(config.oomScoreAdj !== undefined && { oomScoreAdj: config.oomScoreAdj }),
  }
}

/** The profile as it holds for a command with these capabilities; undefined: no filter. */
export function specSeccomp(
  { privileged, seccomp }: Isolation,
  capabilities: readonly string[],
): SpecSeccomp | undefined {
  if (privileged === true || seccomp === 'unconfined') return undefined
  return resolveProfile(seccomp ?? DEFAULT_PROFILE, { capabilities, machine: process.arch, kernel: release() })
}

/** Options of devpts: terminals that are nobody else's. */
export function ptsData(ttyGroup: boolean): readonly string[] {
  return ['newinstance', 'ptmxmode=0666', 'mode=0620', ...(ttyGroup ? ['gid=5'] : [])]
}

function systemMounts(config: RunConfig, { rootless, ttyGroup }: BundleHost): readonly SpecMount[] {
  const plain = ['nosuid', 'noexec', 'nodev']
  const writableSys = config.privileged === true ? [] : ['ro']
  // The kernel gives a fresh sysfs only to the owner of the network namespace.
  const sysfs: SpecMount =
    rootless && config.networkMode === 'host'
      ? { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', ...plain, ...writableSys] }
      : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...plain, ...writableSys] }
  const nodev = config.privileged === true ? [] : ['nodev']
  const devOptions = ['nosuid', ...nodev, 'noexec', 'strictatime', 'mode=755', 'size=65536k']
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: plain },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: devOptions },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', ...ptsData(ttyGroup)] },
    sysfs,
    ...(limitsAnything(config.resources) ? [CGROUP_MOUNT] : []),
    ...ipcMounts(config, rootless),
    ...(config.devices ?? []).map(deviceMount),
  ]
}

function ipcMounts({ ipc, shmSize = DEFAULT_SHM_SIZE }: RunConfig, rootless: boolean): readonly SpecMount[] {
  const plain = ['nosuid', 'noexec', 'nodev']
  const bound = (path: string): SpecMount => {
    return { destination: path, type: 'none', source: path, options: ['rbind', ...plain] }
  }
  const queues: SpecMount =
    // The kernel gives new mounts of the queues to the owner of their IPC namespace.
    ipc === 'host' && rootless
      ? bound('/dev/mqueue')
      : { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: plain }
  if (ipc === 'host') return [queues, bound('/dev/shm')]
  if (ipc === 'none') return [queues]
  const options = [...plain, 'mode=1777', `size=${shmSize}`]
  return [queues, { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options }]
}

/** By a bind mount, which needs no right to make device nodes. */
function deviceMount({ source, target }: HostDevice): SpecMount {
  return { destination: target, type: 'none', source, options: ['bind', 'nosuid', 'noexec'] }
}

/** Files in memory have no host path; the built-in runtime mounts them by itself. */
function specMount(mount: PlainMount, privileged: boolean): readonly SpecMount[] {
  const destination = mount.target
  switch (mount.kind) {
    case 'bind': {
      const options = [
        'rbind',
        'rprivate',
        ...(privileged ? [] : ['nodev']),
        ...(mount.readonly === true ? ['ro'] : []),
      ]
      return [{ destination, type: 'bind', source: mount.source, options }]
    }
    case 'tmpfs': {
      const size = mount.size === undefined ? [] : [`size=${mount.size}`]
      const access = [...(mount.readonly === true ? ['ro'] : []), ...(mount.noexec === true ? ['noexec'] : [])]
      const options = ['nosuid', 'nodev', ...access, `mode=${(mount.mode ?? 0o1777).toString(8)}`, ...size]
      return [{ destination, type: 'tmpfs', source: 'tmpfs', options }]
    }
    case 'file':
      return []
  }
}
