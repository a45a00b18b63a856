import type { Resources } from './cgroup/resources.ts'
import type { SeccompProfile } from './seccomp/spec.ts'
import type { RlimitName } from './syscalls.ts'

/** What a container may do and see beyond running its command; plain data. Absent means docker's default. */
export interface Isolation {
  /** Names such as `CAP_CHOWN`; default: Docker's 14. */
  readonly capabilities?: readonly string[]
  /** All capabilities, nothing masked, no seccomp filter, devices of the file system usable. */
  readonly privileged?: boolean
  /** Set-user-ID programs and file capabilities give nothing. */
  readonly noNewPrivileges?: boolean
  /** Which system calls there are; default: Docker's profile. */
  readonly seccomp?: 'unconfined' | SeccompProfile
  /** No path of /proc and /sys is masked or read-only. */
  readonly unmaskedPaths?: boolean
  /** Device nodes of the host besides those that every container has. */
  readonly devices?: readonly HostDevice[]
  /** Settings of the container's own namespaces: `net.core.somaxconn`. */
  readonly sysctls?: Readonly<Record<string, string>>
  readonly rlimits?: readonly Rlimit[]
  /** Bytes of /dev/shm; default 64 MiB. */
  readonly shmSize?: number
  /** -1000 to 1000; default: that of the caller. */
  readonly oomScoreAdj?: number
  /** `none` has no /dev/shm, `host` the host's System V and POSIX objects. Default `private`. */
  readonly ipc?: 'private' | 'none' | 'host'
  readonly cgroupns?: 'private' | 'host'
  /** Which program makes the container from the bundle; default: the one that is part of Shale. */
  readonly runtime?: 'builtin' | OciRuntime
  /** What it may use of the machine. */
  readonly resources?: Resources
}

/** Programs on the PATH. */
export type OciRuntime = 'runc' | 'crun'

export interface HostDevice {
  /** Absolute path of a device node, or of a folder of them, on the host. */
  readonly source: string
  /** Absolute path in the container. */
  readonly target: string
  /** Some of `r`, `w` and `m`. */
  readonly access: string
}

export interface Rlimit {
  readonly type: RlimitName
  /** -1 is "unlimited". */
  readonly soft: number
  readonly hard: number
}
