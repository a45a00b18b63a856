import type { Resources } from '../sandbox/cgroup/resources.ts'
import { type FlagValues, list, text } from './flag.ts'
import { bytes, cpuCount, cpuset, invalidOption, ulimit, whole } from './isolation-values.ts'

/** docker's flags for what a container may use, which builds have as well. */
export const limitFlags = {
  cpus: text('Processors’ time it may use: 1.5', { placeholder: 'number' }),
  memory: text('Memory it may use: 512m', { short: 'm', placeholder: 'bytes' }),
  shmSize: text('Size of /dev/shm (64m)', { placeholder: 'bytes' }),
  ulimit: list('Limit of a process: nofile=1024:2048', { placeholder: 'type=soft[:hard]' }),
}

export const resourceFlags = {
  ...limitFlags,
  cpuShares: text('Weight against other groups (1024)', { short: 'c', placeholder: 'number' }),
  cpusetCpus: text('Processors it may use: 0-2,4', { placeholder: 'list' }),
  memoryReservation: text('Memory it is brought down to when the machine’s is scarce', { placeholder: 'bytes' }),
  memorySwap: text('Memory and swap together; -1 is unlimited', { placeholder: 'bytes' }),
  pidsLimit: text('Most processes at a time; -1 is unlimited', { placeholder: 'number' }),
}

const LEAST_MEMORY = 6 * 1024 * 1024
const NUMBERS = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, why: '' }

/** What the flags allow; a value of 0 is no limit, as with docker. */
export function resourcesOf(flags: Partial<FlagValues<typeof resourceFlags>>): Resources {
  const memory = size('memory', flags.memory)
  const memorySwap = size('memory-swap', flags.memorySwap, true)
  const memoryReservation = size('memory-reservation', flags.memoryReservation)
  const shares = number('cpu-shares', flags.cpuShares)
  const pidsLimit = number('pids-limit', flags.pidsLimit)
  checkMemory(memory, memorySwap, memoryReservation)
  return {
    ...(memory !== undefined && { memory }),
    ...(memorySwap !== undefined && { memorySwap }),
    ...(memoryReservation !== undefined && { memoryReservation }),
    ...(isGiven(flags.cpus) && { cpus: cpuCount(flags.cpus) }),
    // docker's range; what is beyond is brought into it.
    ...(shares !== undefined && { cpuShares: Math.min(262144, Math.max(2, shares)) }),
    ...(flags.cpusetCpus !== undefined && flags.cpusetCpus !== '' && { cpusetCpus: cpuset(flags.cpusetCpus) }),
    ...(pidsLimit !== undefined && pidsLimit > 0 && { pidsLimit }),
  }
}

/** Of the flags that builds have, what is no matter of cgroups. */
export function processLimitsOf({ shmSize, ulimit: ulimits = [] }: Partial<FlagValues<typeof limitFlags>>) {
  const size = shmSize === undefined ? 0 : bytes('shm-size', shmSize)
  return { ...(size > 0 && { shmSize: size }), ...(ulimits.length > 0 && { rlimits: ulimits.map(ulimit) }) }
}

function isGiven(word: string | undefined): word is string {
  return word !== undefined && !/^0*\.?0*$/.test(word)
}

function size(flag: string, word: string | undefined, unlimited = false): number | undefined {
  const value = word === undefined ? 0 : bytes(flag, word, unlimited)
  return value === 0 ? undefined : value
}

function number(flag: string, word: string | undefined): number | undefined {
  const value = word === undefined ? 0 : whole(flag, word, NUMBERS)
  return value === 0 ? undefined : value
}

/** Source: moby's verifyPlatformContainerResources. */
function checkMemory(memory: number | undefined, swap: number | undefined, reservation: number | undefined): void {
  if (memory !== undefined && memory < LEAST_MEMORY) throw invalidOption('Minimum memory limit allowed is 6MB')
  if (swap !== undefined && swap > 0) {
    if (memory === undefined) {
      throw invalidOption('You should always set the Memory limit when using Memoryswap limit, see usage')
    }
    if (swap < memory) throw invalidOption('Minimum memoryswap limit should be larger than memory limit, see usage')
  }
  if (reservation !== undefined && reservation < LEAST_MEMORY) {
    throw invalidOption('Minimum memory reservation allowed is 6MB')
  }
  if (memory !== undefined && reservation !== undefined && memory < reservation) {
    throw invalidOption('Minimum memory limit can not be less than memory reservation limit, see usage')
  }
}
