/** What a container may use of the machine; what is absent is not limited. */
export interface Resources {
  /** Bytes. */
  readonly memory?: number
  /** Bytes of memory and swap together; -1 is unlimited. Default: twice the memory. */
  readonly memorySwap?: number
  /** Bytes that the kernel tries to bring it down to when memory is scarce. */
  readonly memoryReservation?: number
  /** How many processors' time. */
  readonly cpus?: number
  /** Weight against others, 1024 being what everybody has. 2 to 262144. */
  readonly cpuShares?: number
  /** Processors by number: `0-2,4`. */
  readonly cpusetCpus?: string
  readonly pidsLimit?: number
}

/** Whether anything is limited. */
export function limitsAnything(resources: Resources | undefined): resources is Resources {
  return resources !== undefined && Object.values(resources).some(value => value !== undefined)
}
