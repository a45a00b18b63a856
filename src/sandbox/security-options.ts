import { ShaleError } from '../error.ts'
import type { Isolation } from './isolation.ts'

/**
 * Reads docker's `--security-opt` words; later ones win. Throws `INVALID_SECURITY_OPT`, or `SECCOMP_PROFILE` for a
 * profile that cannot be read.
 */
export async function securityOptions(words: readonly string[]): Promise<Isolation> {
  const parts: Isolation[] = []
  for (const word of words) parts.push(await securityOption(word))
  return Object.assign({}, ...parts) as Isolation
}

async function securityOption(word: string): Promise<Isolation> {
  const invalid = (hint: string) =>
    new ShaleError('INVALID_SECURITY_OPT', `invalid --security-opt: ${JSON.stringify(word)}`, { hint })
  if (word === 'no-new-privileges') return { noNewPrivileges: true }
  // docker has taken a colon as well, once.
  const [, name, value] = /^([^=:]+)[=:](.*)$/s.exec(word) ?? []
  switch (name) {
    case 'no-new-privileges':
      if (value !== 'true' && value !== 'false') throw invalid('no-new-privileges is true or false')
      return { noNewPrivileges: value === 'true' }
    case 'seccomp':
      return seccomp(value ?? '')
    case 'systempaths':
      if (value !== 'unconfined') throw invalid('systempaths=unconfined is all there is')
      return { unmaskedPaths: true }
    case 'apparmor':
      if (value === 'unconfined') return {}
      throw invalid('Shale loads no AppArmor profiles: apparmor=unconfined is how it is')
    case 'label':
      if (value === 'disable') return {}
      throw invalid('Shale sets no SELinux labels: label=disable is how it is')
    default:
      throw invalid(
        'options are seccomp=unconfined, seccomp=FILE, no-new-privileges, systempaths=unconfined, apparmor=unconfined and label=disable',
      )
  }
}

async function seccomp(value: string): Promise<Isolation> {
  switch (value) {
    case 'unconfined':
      return { seccomp: 'unconfined' }
    case 'builtin':
    case 'default':
      return { seccomp: (await import('./seccomp/default-profile.ts')).DEFAULT_PROFILE }
    default: {
      const { readProfile } = await import('./seccomp/profile-file.ts')
      return { seccomp: readProfile(value) }
    }
  }
}
