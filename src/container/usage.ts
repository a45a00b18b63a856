import { readFileSync, readlinkSync } from 'node:fs'
import { processesOf } from './processes.ts'

/** What a container's processes take of the machine. All but the memory and the tasks grow from their start on. */
export interface Usage {
  /** Seconds of processors' time, of processes that have ended as far as their parents are there. */
  readonly cpuSeconds: number
  /** Bytes; what several processes share is counted once. */
  readonly memory: number
  /** Bytes over the network; 0 where the network is the host's. */
  readonly received: number
  readonly sent: number
  /** Bytes from and to disks. */
  readonly read: number
  readonly written: number
  /** Processes and threads. */
  readonly tasks: number
}

/** USER_HZ, which is 100 on every architecture that we run on. Source: proc_pid_stat(5). */
const TICKS = 100

export const NO_USAGE: Usage = { cpuSeconds: 0, memory: 0, received: 0, sent: 0, read: 0, written: 0, tasks: 0 }

/**
 * Read from /proc, which is there for every user and for containers without limits, and so without a control group of
 * their own. `first` is the container's first process. A process that ends meanwhile counts nothing.
 */
export function usageOf(first: number): Usage {
  const each = [...processesOf(first)].map(processUsage)
  const sum = (field: keyof Usage): number => each.reduce((all, usage) => all + usage[field], 0)
  return {
    ...traffic(first),
    cpuSeconds: sum('cpuSeconds'),
    memory: sum('memory'),
    read: sum('read'),
    written: sum('written'),
    tasks: sum('tasks'),
  }
}

function processUsage(pid: number): Usage {
  const stat = read(`/proc/${pid}/stat`)
  // The name before these may hold anything; the first field behind it is the third of proc_pid_stat(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3] ?? 0)
  if (stat === '') return NO_USAGE
  const io = read(`/proc/${pid}/io`)
  const status = read(`/proc/${pid}/status`)
  const shared = numberOf(read(`/proc/${pid}/smaps_rollup`), /^Pss:\s+(\d+) kB$/m)
  return {
    ...NO_USAGE,
    cpuSeconds: (field(14) + field(15) + field(16) + field(17)) / TICKS,
    memory: 1024 * (shared ?? numberOf(status, /^VmRSS:\s+(\d+) kB$/m) ?? 0),
    read: numberOf(io, /^read_bytes: (\d+)$/m) ?? 0,
    written: numberOf(io, /^write_bytes: (\d+)$/m) ?? 0,
    tasks: field(20),
  }
}

/** Of all interfaces but the loopback. Source: proc_pid_net(5). */
function traffic(pid: number): Pick<Usage, 'received' | 'sent'> {
  if (networkOf(String(pid)) === networkOf('self')) return { received: 0, sent: 0 }
  const lines = read(`/proc/${pid}/net/dev`).split('\n').slice(2)
  const counts = lines
    .map(line => line.trim().split(/:?\s+/))
    .filter(([name]) => name !== '' && name !== undefined && name !== 'lo')
  const sum = (column: number): number => counts.reduce((all, fields) => all + Number(fields[column] ?? 0), 0)
  return { received: sum(1), sent: sum(9) }
}

function networkOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
}

function numberOf(text: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
