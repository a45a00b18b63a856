import { existsSync, readFileSync } from 'node:fs'
import { ShaleError } from '../error.ts'
import { userNamespace } from './identity.ts'

/** The settings that decide whether namespaces can be had; undefined where the kernel has no such setting. */
export interface NamespaceSettings {
  /** /proc/sys/user/max_user_namespaces */
  readonly maxUserNamespaces: string | undefined
  /** /proc/sys/kernel/unprivileged_userns_clone (Debian's kernels) */
  readonly unprivilegedClone: string | undefined
  /** /proc/sys/kernel/apparmor_restrict_unprivileged_userns (Ubuntu since 23.10) */
  readonly appArmorRestriction: string | undefined
  readonly inContainer: boolean
  /** This process is in a user namespace that maps no user. */
  readonly withoutUsers?: boolean
}

export function readNamespaceSettings(): NamespaceSettings {
  return {
    maxUserNamespaces: setting('user/max_user_namespaces'),
    unprivilegedClone: setting('kernel/unprivileged_userns_clone'),
    appArmorRestriction: setting('kernel/apparmor_restrict_unprivileged_userns'),
    inContainer: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
    withoutUsers: userNamespace().kind === 'none',
  }
}

function setting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'latin1').trim()
  } catch {
    return undefined
  }
}

/** `SANDBOX_UNAVAILABLE`: the namespaces that a RUN needs cannot be made; the hint says what forbids them here. */
export function namespacesForbidden(
  why: string,
  rootless: boolean,
  settings: NamespaceSettings = readNamespaceSettings(),
): ShaleError {
  const message = `cannot make the namespaces that running a command needs: ${why}`
  return new ShaleError('SANDBOX_UNAVAILABLE', message, {
    hint: rootless ? rootlessHint(settings) : rootHint(settings),
  })
}

function rootHint({ inContainer }: NamespaceSettings): string {
  return inContainer
    ? 'this container may not mount: start it with --privileged, or with --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined'
    : 'root lacks CAP_SYS_ADMIN here: see what has taken it away (a service’s CapabilityBoundingSet, a sandbox)'
}

function rootlessHint(settings: NamespaceSettings): string {
  if (settings.maxUserNamespaces === '0') {
    return 'user namespaces are switched off: sysctl -w user.max_user_namespaces=15000'
  }
  if (settings.unprivilegedClone === '0') {
    return 'user namespaces are for root only: sysctl -w kernel.unprivileged_userns_clone=1'
  }
  if (settings.withoutUsers) {
    return 'this user namespace has no users (/proc/self/uid_map is empty): make it with unshare --map-root-user'
  }
  if (settings.inContainer) {
    return 'Docker’s seccomp profile forbids user namespaces: start this container with --security-opt seccomp=unconfined --security-opt apparmor=unconfined'
  }
  if (settings.appArmorRestriction === '1') {
    return 'AppArmor keeps user namespaces from unconfined programs: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile with "userns," for node'
  }
  return 'see that the kernel lets ordinary users make user namespaces (sysctl user.max_user_namespaces), or run as root'
}
