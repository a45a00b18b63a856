import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { isErrno, ShaleError } from '../../error.ts'
import type { SpecProcess } from '../bundle.ts'
import { CAPABILITIES, capabilityMask } from '../capabilities.ts'
import type { Rlimit } from '../isolation.ts'
import {
  becomeUser,
  type CapabilitySets,
  clearAmbient,
  dropFromBoundingSet,
  installFilter,
  keepCapabilities,
  setCapabilities,
  setGroups,
  setNoNewPrivileges,
  setParentDeathSignal,
  setRlimit,
  setUmask,
} from '../syscalls.ts'
import type { SyscallFilter } from './input.ts'

/**
 * Becomes the user and gives up everything that the specification does not grant, but what `confine` needs, which has
 * to follow. There is no way back.
 */
export function dropPrivileges({ user, capabilities, noNewPrivileges }: SpecProcess, filtered: boolean): void {
  const bounding = capabilityMask(capabilities.bounding)
  for (let number = 0; number < CAPABILITIES.length; number++) {
    if ((bounding & (1n << BigInt(number))) === 0n) dropIfKnown(number)
  }
  clearAmbient()
  const forFilter = filtered && !noNewPrivileges ? INSTALLING : []
  if (forFilter.length > 0) keepCapabilities()
  setUser(user)
  setCapabilities(granted(capabilities, forFilter))
  setUmask(user.umask)
  if (noNewPrivileges) setNoNewPrivileges()
  // Changing the user has cleared it.
  setParentDeathSignal(constants.signals.SIGKILL)
}

/** Without no_new_privs, a filter is for those who could do without one. Source: seccomp(2). */
const INSTALLING = ['CAP_SYS_ADMIN']

/** The last things before execve: from here on the filter decides which system calls there are. */
export function confine({ capabilities }: SpecProcess, filter: SyscallFilter): void {
  const left = granted(capabilities, [])
  try {
    installFilter(filter.program, filter.flags)
  } catch (error) {
    throw new ShaleError('SECCOMP_REFUSED', `cannot filter system calls: ${(error as Error).message}`, {
      hint: 'the kernel needs CONFIG_SECCOMP_FILTER; --security-opt seccomp=unconfined does without',
      cause: error,
    })
  }
  setCapabilities(left)
}

function granted(sets: SpecProcess['capabilities'], more: readonly string[]): CapabilitySets {
  const held = heldCapabilities()
  return {
    effective: capabilityMask([...sets.effective, ...more]) & held,
    permitted: capabilityMask([...sets.permitted, ...more]) & held,
    inheritable: capabilityMask(sets.inheritable),
  }
}

function setUser({ uid, gid, additionalGids }: SpecProcess['user']): void {
  try {
    // A namespace of one user may not change its groups (user_namespaces(7)): the caller's are kept, the image's unheard.
    if (mayChangeGroups()) setGroups(additionalGids)
    becomeUser(uid, gid)
  } catch (error) {
    if (!isErrno(error, 'EINVAL', 'EPERM')) throw error
    throw new ShaleError('USER_UNMAPPED', `cannot run as user ${uid}, group ${gid}: not in this user namespace`, {
      hint: 'ordinary users need ranges in /etc/subuid and /etc/subgid, and the package uidmap, to run as other users',
      cause: error,
    })
  }
}

function mayChangeGroups(): boolean {
  return readFileSync('/proc/self/setgroups', 'latin1').trim() !== 'deny'
}

/** A capability that this kernel does not know is as good as dropped. */
function dropIfKnown(number: number): void {
  try {
    dropFromBoundingSet(number)
  } catch (error) {
    if (!isErrno(error, 'EINVAL')) throw error
  }
}

function heldCapabilities(): bigint {
  const line = /^CapPrm:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/thread-self/status', 'latin1'))
  return BigInt(`0x${line?.[1] ?? '0'}`)
}

/** A hard limit below the wanted one is kept, and the soft one goes no further than that. */
export function setRlimits(limits: readonly Rlimit[]): void {
  for (const { type, soft, hard } of possibleRlimits(limits)) setRlimit(type, soft, hard)
}

/** The limits as far as this process's own hard ones let them be. */
export function possibleRlimits(limits: readonly Rlimit[]): readonly Rlimit[] {
  const current = readFileSync('/proc/self/limits', 'latin1')
  return limits.map(({ type, soft, hard }) => {
    const ceiling = hardLimit(current, type)
    return { type, soft: lesser(soft, ceiling), hard: lesser(hard, ceiling) }
  })
}

function lesser(limit: number, ceiling: number): number {
  if (ceiling < 0) return limit
  return limit < 0 ? ceiling : Math.min(limit, ceiling)
}

const LIMIT_TITLES: Readonly<Record<Rlimit['type'], string>> = {
  RLIMIT_CPU: 'Max cpu time',
  RLIMIT_FSIZE: 'Max file size',
  RLIMIT_DATA: 'Max data size',
  RLIMIT_STACK: 'Max stack size',
  RLIMIT_CORE: 'Max core file size',
  RLIMIT_RSS: 'Max resident set',
  RLIMIT_NPROC: 'Max processes',
  RLIMIT_NOFILE: 'Max open files',
  RLIMIT_MEMLOCK: 'Max locked memory',
  RLIMIT_AS: 'Max address space',
  RLIMIT_LOCKS: 'Max file locks',
  RLIMIT_SIGPENDING: 'Max pending signals',
  RLIMIT_MSGQUEUE: 'Max msgqueue size',
  RLIMIT_NICE: 'Max nice priority',
  RLIMIT_RTPRIO: 'Max realtime priority',
  RLIMIT_RTTIME: 'Max realtime timeout',
}

function hardLimit(limits: string, type: Rlimit['type']): number {
  const line = limits.split('\n').find(each => each.startsWith(LIMIT_TITLES[type])) ?? ''
  const hard = line.slice(26).trim().split(/\s+/)[1]
  return hard === undefined || hard === 'unlimited' ? -1 : Number(hard)
}
