import type { ProfileRule, RuleCondition, SeccompProfile, SpecSeccomp, SpecSyscall } from './spec.ts'

/** Where a profile is to hold. */
export interface SeccompSubject {
  /** The bounding set, as `CAP_CHOWN`. */
  readonly capabilities: readonly string[]
  /** `process.arch` */
  readonly machine: string
  /** `os.release()` */
  readonly kernel: string
}

const DOCKER_ARCH: Readonly<Record<string, string>> = { x64: 'amd64', ia32: 'x86', ppc64: 'ppc64le' }

const NATIVE_ARCH: Readonly<Record<string, string>> = {
  x64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
  s390x: 'SCMP_ARCH_S390X',
  ppc64: 'SCMP_ARCH_PPC64LE',
  riscv64: 'SCMP_ARCH_RISCV64',
}

/** The rules of a profile that hold for the subject, as the runtime-spec has them. */
export function resolveProfile(profile: SeccompProfile, subject: SeccompSubject): SpecSeccomp {
  const native = NATIVE_ARCH[subject.machine]
  const mapped = profile.archMap?.find(({ architecture }) => architecture === native)
  const architectures = [
    ...(profile.architectures ?? []),
    ...(mapped === undefined ? [] : [mapped.architecture, ...(mapped.subArchitectures ?? [])]),
  ]
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet !== undefined && { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: architectures.length > 0 || native === undefined ? architectures : [native],
    ...(profile.flags !== undefined && { flags: profile.flags }),
    syscalls: profile.syscalls.filter(rule => holds(rule, subject)).map(specSyscall),
  }
}

function specSyscall({ names, action, errnoRet, args }: ProfileRule): SpecSyscall {
  return {
    names,
    action,
    ...(errnoRet !== undefined && { errnoRet }),
    ...(args !== undefined && args.length > 0 && { args }),
  }
}

function holds({ includes, excludes }: ProfileRule, subject: SeccompSubject): boolean {
  return (includes === undefined || included(includes, subject)) && (excludes === undefined || !hits(excludes, subject))
}

function included({ caps = [], arches = [], minKernel }: RuleCondition, subject: SeccompSubject): boolean {
  return (
    caps.every(capability => subject.capabilities.includes(capability)) &&
    (arches.length === 0 || arches.includes(dockerArch(subject))) &&
    (minKernel === undefined || atLeast(subject.kernel, minKernel))
  )
}

function hits({ caps = [], arches = [], minKernel }: RuleCondition, subject: SeccompSubject): boolean {
  return (
    caps.some(capability => subject.capabilities.includes(capability)) ||
    arches.includes(dockerArch(subject)) ||
    (minKernel !== undefined && atLeast(subject.kernel, minKernel))
  )
}

function dockerArch({ machine }: SeccompSubject): string {
  return DOCKER_ARCH[machine] ?? machine
}

function atLeast(kernel: string, wanted: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map(part => Number.parseInt(part, 10))
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(part => Number.parseInt(part, 10))
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}
