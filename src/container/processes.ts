import { readdirSync, readlinkSync } from 'node:fs'

/** Our names of all processes that are in the same PID namespace as this one. */
export function processesOf(first: number): ReadonlySet<number> {
  const space = spaceOf(first)
  if (space === undefined) return new Set()
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return new Set(pids.map(Number).filter(pid => spaceOf(pid) === space))
}

function spaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return undefined
  }
}
