/** `linux.seccomp` of an OCI runtime-spec v1.2 configuration. */
export interface SpecSeccomp {
  readonly defaultAction: SeccompAction
  readonly defaultErrnoRet?: number | undefined
  readonly architectures: readonly string[]
  readonly flags?: readonly string[] | undefined
  readonly syscalls: readonly SpecSyscall[]
}

export interface SpecSyscall {
  readonly names: readonly string[]
  readonly action: SeccompAction
  readonly errnoRet?: number | undefined
  /** All have to hold; two on the same argument are two rules, of which one has to hold. */
  readonly args?: readonly SeccompArg[] | undefined
}

export const SECCOMP_ACTIONS = [
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_LOG',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_TRAP',
] as const

export type SeccompAction = (typeof SECCOMP_ACTIONS)[number]

export const SECCOMP_OPERATORS = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const

/** A comparison of an argument, as 64 bits without sign. */
export interface SeccompArg {
  /** 0 to 5. */
  readonly index: number
  /** What it is compared with; with MASKED_EQ the mask. */
  readonly value: number
  /** With MASKED_EQ what the masked argument has to be. Default 0. */
  readonly valueTwo?: number | undefined
  readonly op: (typeof SECCOMP_OPERATORS)[number]
}

/** A profile in docker's format: rules that hold for some capabilities, architectures and kernels only. */
export interface SeccompProfile {
  readonly defaultAction: SeccompAction
  readonly defaultErrnoRet?: number | undefined
  readonly architectures?: readonly string[] | undefined
  readonly archMap?:
    | readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] | null | undefined }[]
    | undefined
  readonly flags?: readonly string[] | undefined
  readonly syscalls: readonly ProfileRule[]
}

export interface ProfileRule extends SpecSyscall {
  /** All of the capabilities and one of the architectures. */
  readonly includes?: RuleCondition | undefined
  /** None of them. */
  readonly excludes?: RuleCondition | undefined
}

export interface RuleCondition {
  readonly caps?: readonly string[] | undefined
  /** As docker names them: `amd64`, `arm64`. */
  readonly arches?: readonly string[] | undefined
  /** `4.8` */
  readonly minKernel?: string | undefined
}
