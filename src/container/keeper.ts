import { readFileSync, readlinkSync } from 'node:fs'

/** A process, named so that another one with the same ID is not taken for it: not even after the machine was restarted. */
export function keeperOf(pid: number): string | undefined {
  const started = startTime(pid)
  return started === undefined ? undefined : JSON.stringify([pid, started, bootId(), pidSpace()])
}

/** `gone` when that process has ended; `rebooted` when it has because the machine was restarted. */
export function keeperState(keeper: string | undefined): 'alive' | 'gone' | 'rebooted' {
  if (keeper === undefined) return 'gone'
  const [pid, started, boot, space] = JSON.parse(keeper) as [number, string, string, string]
  if (boot !== bootId()) return 'rebooted'
  // From another PID namespace it cannot be looked for, and whoever sees it tells the truth of it.
  if (space !== pidSpace()) return 'alive'
  return startTime(pid) === started ? 'alive' : 'gone'
}

/** In clock ticks since boot: field 22 of proc_pid_stat(5). A zombie has ended. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

let boot: string | undefined

function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  return boot
}

function pidSpace(): string {
  return readlinkSync('/proc/self/ns/pid')
}
