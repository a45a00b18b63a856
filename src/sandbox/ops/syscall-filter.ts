import type { SyscallFilter } from '../init/input.ts'
import { assembleFilter } from '../seccomp/assemble.ts'
import type { SpecSeccomp } from '../seccomp/spec.ts'

/** Source: include/uapi/linux/seccomp.h. TSYNC is for other threads, which execve ends. */
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_TSYNC: 0,
}

/** Profiles by their text: a build runs many commands under the same one. */
const assembled = new Map<string, SyscallFilter | undefined>()

/** The filter for this machine; undefined where we have no table of its system calls. */
export function syscallFilter(spec: SpecSeccomp): SyscallFilter | undefined {
  const key = JSON.stringify(spec)
  const known = assembled.get(key)
  if (known !== undefined) return known
  const program = assembleFilter(spec, process.arch)
  const flags = (spec.flags ?? []).reduce((sum, flag) => sum | (FLAGS[flag] ?? 0), 0)
  const filter = program && { program, flags }
  assembled.set(key, filter)
  return filter
}
