import type { SeccompProfile } from './seccomp/spec.ts'

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
}
