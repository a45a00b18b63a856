import type { SpecLinux } from '../bundle.ts'
import { DEFAULT_CAPABILITIES } from '../capabilities.ts'
import type { SyscallFilter } from '../init/input.ts'
import type { Isolation } from '../isolation.ts'
import { PREBUILT } from '../seccomp/prebuilt.ts'
import type { SpecSeccomp } from '../seccomp/spec.ts'

/** Source: include/uapi/linux/seccomp.h. TSYNC is for other threads, which execve ends. */
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_TSYNC: 0,
}

/** Profiles by their text: a build runs many commands under the same one. */
const assembled = new Map<string, SyscallFilter | undefined>()

/** The filter for this machine; undefined where there is none, or no table of the machine's system calls. */
export async function syscallFilter(
  { seccomp, capabilities }: Isolation,
  { seccomp: spec }: Pick<SpecLinux, 'seccomp'>,
): Promise<SyscallFilter | undefined> {
  if (spec === undefined) return undefined
  if (seccomp === undefined && (capabilities === undefined || isDefault(capabilities))) return prebuiltFilter()
  const key = JSON.stringify(spec)
  const known = assembled.get(key)
  if (known !== undefined) return known
  const filter = await assembledFilter(spec)
  assembled.set(key, filter)
  return filter
}

function prebuiltFilter(): SyscallFilter | undefined {
  const text = PREBUILT[process.arch]
  return text === undefined ? undefined : { program: Buffer.from(text, 'base64'), flags: 0 }
}

async function assembledFilter(spec: SpecSeccomp): Promise<SyscallFilter | undefined> {
  const { assembleFilter } = await import('../seccomp/assemble.ts')
  const program = assembleFilter(spec, process.arch)
  const flags = (spec.flags ?? []).reduce((sum, flag) => sum | (FLAGS[flag] ?? 0), 0)
  return program && { program, flags }
}

function isDefault(capabilities: readonly string[]): boolean {
  return (
    capabilities.length === DEFAULT_CAPABILITIES.length &&
    capabilities.every(capability => DEFAULT_CAPABILITIES.includes(capability))
  )
}
