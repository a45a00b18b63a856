import { ShaleError } from '../error.ts'
import { changeLimits } from '../sandbox/cgroup/change-limits.ts'
import type { Resources } from '../sandbox/cgroup/resources.ts'
import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { optionsOf, type RestartPolicy } from './options.ts'

export interface ContainerUpdate {
  readonly restart?: RestartPolicy | undefined
  /** What is absent stays. */
  readonly resources: Resources
}

/**
 * Changes what a container may use and when it starts again. Gives `next-start` when a limit does not hold yet. Throws
 * `CONFLICTING_OPTIONS`, and `CGROUP` before anything is recorded.
 */
export function updateContainer(
  store: LocalStore,
  row: ContainerRow,
  { restart, resources }: ContainerUpdate,
): 'now' | 'next-start' {
  const options = optionsOf(row)
  const before = options.isolation?.resources ?? {}
  if (restart !== undefined && restart.name !== 'no' && options.autoRemove) {
    throw conflict('Restart policy cannot be updated because AutoRemove is enabled for the container')
  }
  const { memory } = resources
  const swap = before.memorySwap ?? -1
  if (memory !== undefined && resources.memorySwap === undefined && swap >= 0 && swap < memory) {
    throw conflict(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    )
  }
  const after = { ...before, ...resources }
  const isLimited = Object.keys(resources).length > 0
  const holds = !isLimited || row.pid === undefined || changeLimits(row.pid, after)
  const change = {
    ...(restart !== undefined && { restart }),
    ...(isLimited && { isolation: { ...options.isolation, resources: after } }),
  }
  store.containers.change(row.id, { options: JSON.stringify({ ...JSON.parse(row.options), ...change }) })
  return holds ? 'now' : 'next-start'
}

function conflict(why: string): ShaleError {
  return new ShaleError('CONFLICTING_OPTIONS', why)
}
