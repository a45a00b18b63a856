import { readFileSync } from 'node:fs'

/** Machines whose system calls the built-in runtime has tables of (seccomp/numbers.ts). */
const FILTERED = ['x64', 'arm64']

/** What keeps containers in on this machine, in docker's `SecurityOptions` form. */
export function enforcedSecurity(): readonly string[] {
  const filter = FILTERED.includes(process.arch) && kernelFilters()
  return [
    ...(filter ? ['name=seccomp,profile=builtin'] : []),
    ...(process.geteuid?.() === 0 ? [] : ['name=rootless']),
    'name=cgroupns',
  ]
}

/** The kernel tells of each process whether it is filtered, if it can filter at all. */
function kernelFilters(): boolean {
  try {
    return /^Seccomp:/m.test(readFileSync('/proc/self/status', 'latin1'))
  } catch {
    return false
  }
}
