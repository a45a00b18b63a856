import type { Isolation } from '../sandbox/isolation.ts'
import { type FlagValues, list } from './flag.ts'

/** docker's flags for what a container may do and see. */
export const isolationFlags = {
  securityOpt: list('Security option: seccomp=unconfined, seccomp=FILE, no-new-privileges, systempaths=unconfined', {
    placeholder: 'option',
  }),
}

/** What the flags amount to. Throws the error of the flag that is at fault. */
export async function isolationOf(flags: FlagValues<typeof isolationFlags>): Promise<Isolation> {
  if (flags.securityOpt.length === 0) return {}
  const { securityOptions } = await import('../sandbox/security-options.ts')
  return securityOptions(flags.securityOpt)
}
