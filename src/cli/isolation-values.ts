import { cpus } from 'node:os'
import { ShaleError } from '../error.ts'
import { CAPABILITIES, DEFAULT_CAPABILITIES } from '../sandbox/capabilities.ts'
import type { HostDevice, Rlimit } from '../sandbox/isolation.ts'

/** An error in docker's words. */
function invalid(message: string, hint?: string): ShaleError {
  return new ShaleError('INVALID_OPTION', message, { hint, exitCode: 125 })
}

/** `--cap-add` and `--cap-drop`: with or without `CAP_`, in any case, `ALL` for all; undefined: docker's default. */
export function capabilities(add: readonly string[], drop: readonly string[]): readonly string[] | undefined {
  if (add.length === 0 && drop.length === 0) return undefined
  const added = add.flatMap(list => list.split(',')).map(name => capability(name, 'CapAdd'))
  const dropped = drop.flatMap(list => list.split(',')).map(name => capability(name, 'CapDrop'))
  if (added.includes('ALL')) return CAPABILITIES.filter(name => !dropped.includes(name))
  if (dropped.includes('ALL')) return [...new Set(added)]
  const kept = DEFAULT_CAPABILITIES.filter(name => !dropped.includes(name))
  return [...new Set([...kept, ...added])]
}

function capability(word: string, flag: string): string {
  const name = word.trim().toUpperCase()
  if (name === 'ALL') return name
  const full = name.startsWith('CAP_') ? name : `CAP_${name}`
  if ((CAPABILITIES as readonly string[]).includes(full)) return full
  throw invalid(`invalid ${flag}: unknown capability: "${full}"`, 'man 7 capabilities has the names')
}

/** `--device SOURCE[:TARGET[:rwm]]` */
export function device(word: string): HostDevice {
  const [source = '', second, third, ...more] = word.split(':')
  if (more.length > 0 || source === '') throw invalid(`invalid device specification: ${word}`)
  const onlyAccess = third === undefined && second !== undefined && isAccess(second)
  const target = second === undefined || onlyAccess ? source : second
  const access = onlyAccess ? second : (third ?? 'rwm')
  for (const path of [source, target]) {
    if (!path.startsWith('/')) throw invalid(`invalid device specification: ${word}: ${path} is not an absolute path`)
  }
  if (!isAccess(access)) throw invalid(`bad mode specified: ${access}`, 'it is made of r, w and m')
  return { source, target, access }
}

function isAccess(word: string): boolean {
  return /^[rwm]{1,3}$/.test(word) && new Set(word).size === word.length
}

/** What belongs to a container's own namespaces; all else would be the machine's. */
const SYSCTLS = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
])

/** `--sysctl NAME=VALUE`; on the host's network or IPC there are none to set. */
export function sysctls(
  words: readonly string[],
  host: { readonly network: boolean; readonly ipc: boolean },
): Readonly<Record<string, string>> | undefined {
  if (words.length === 0) return undefined
  return Object.fromEntries(
    words.map(word => {
      const equals = word.indexOf('=')
      if (equals < 1) throw invalid(`sysctl '${word}' is not allowed`, 'write it as NAME=VALUE')
      const name = word.slice(0, equals).replaceAll('/', '.')
      const ofNetwork = /^net(\.[\w-]+)+$/.test(name)
      if (!ofNetwork && !SYSCTLS.has(name) && !/^fs\.mqueue\.\w+$/.test(name)) {
        throw invalid(
          `sysctl '${word}' is not allowed`,
          'only net.*, fs.mqueue.* and those of System V IPC belong to a container',
        )
      }
      if (ofNetwork && host.network) throw invalid(`sysctl '${name}' not allowed in host network namespace`)
      if (!ofNetwork && host.ipc) throw invalid(`sysctl '${name}' not allowed in host IPC namespace`)
      return [name, word.slice(equals + 1)]
    }),
  )
}

const ULIMITS: Readonly<Record<string, Rlimit['type']>> = {
  core: 'RLIMIT_CORE',
  cpu: 'RLIMIT_CPU',
  data: 'RLIMIT_DATA',
  fsize: 'RLIMIT_FSIZE',
  locks: 'RLIMIT_LOCKS',
  memlock: 'RLIMIT_MEMLOCK',
  msgqueue: 'RLIMIT_MSGQUEUE',
  nice: 'RLIMIT_NICE',
  nofile: 'RLIMIT_NOFILE',
  nproc: 'RLIMIT_NPROC',
  rss: 'RLIMIT_RSS',
  rtprio: 'RLIMIT_RTPRIO',
  rttime: 'RLIMIT_RTTIME',
  sigpending: 'RLIMIT_SIGPENDING',
  stack: 'RLIMIT_STACK',
}

/** `--ulimit TYPE=SOFT[:HARD]`; -1 is unlimited. */
export function ulimit(word: string): Rlimit {
  const [, name = '', first, second] = /^([^=]*)=(-?\d+)(?::(-?\d+))?$/.exec(word) ?? []
  if (first === undefined)
    throw invalid(`invalid ulimit argument: ${word}`, 'write it as nofile=1024 or nofile=1024:2048')
  const type = ULIMITS[name]
  if (type === undefined) throw invalid(`invalid ulimit type: ${name}`, `types are ${Object.keys(ULIMITS).join(', ')}`)
  const soft = Number(first)
  const hard = second === undefined ? soft : Number(second)
  if (hard >= 0 && (soft < 0 || soft > hard)) {
    throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`)
  }
  return { type, soft, hard }
}

/** `--cpuset-cpus 0-2,4` of the processors that this machine has. */
export function cpuset(word: string): string {
  const available = cpus().length
  for (const part of word.split(',')) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? []
    if (first === undefined || Number(last) < Number(first)) throw invalid(`Invalid value ${word} for cpuset cpus`)
    if (Number(last) >= available) {
      throw invalid(`Requested CPUs are not available - requested ${word}, available: 0-${available - 1}`)
    }
  }
  return word
}

/** `--cpus 1.5` */
export function cpuCount(word: string): number {
  const value = /^\d+(\.\d+)?$|^\.\d+$/.test(word) ? Number(word) : Number.NaN
  if (Number.isNaN(value)) {
    throw invalid(`invalid argument "${word}" for "--cpus" flag: failed to parse ${word} as a rational number`)
  }
  const available = cpus().length
  if (value < 0.01 || value > available) {
    throw invalid(`Range of CPUs is from 0.01 to ${available}.00, as there are only ${available} CPUs available`)
  }
  return value
}

/** A whole number of a flag, within bounds. */
export function whole(
  flag: string,
  word: string,
  range: { readonly min: number; readonly max: number; readonly why: string },
): number {
  const value = Number(word)
  if (!/^-?\d+$/.test(word)) {
    throw invalid(`invalid argument "${word}" for "--${flag}" flag: it is not a whole number`)
  }
  if (value < range.min || value > range.max) throw invalid(range.why)
  return value
}

const UNITS = 'bkmgtp'

/** Bytes of a flag: `512m`, `1.5g`; -1 where the flag knows "unlimited". */
export function bytes(flag: string, word: string, unlimited = false): number {
  if (unlimited && word === '-1') return -1
  const [, number, unit = 'b'] = /^(\d+(?:\.\d+)?) ?([bkmgtp])?(?:i?b)?$/i.exec(word) ?? []
  if (number === undefined) throw invalid(`invalid argument "${word}" for "--${flag}" flag: invalid size: '${word}'`)
  return Math.trunc(Number(number) * 1024 ** UNITS.indexOf(unit.toLowerCase()))
}

export { invalid as invalidOption }
