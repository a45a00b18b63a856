import type { ContainerRow } from '../store/containers.ts'
import type { LocalStore } from '../store/open.ts'
import { keeperState } from './keeper.ts'

/** docker's exit code for what was still running when the machine went down; nobody knows the command's own. */
const UNKNOWN_EXIT = 255
/** A supervisor takes its container with it, by SIGKILL. */
const KILLED = 137

/** Every container as it is: one whose supervisor has died has ended, whatever its row says. */
export function settleAll(store: LocalStore): readonly ContainerRow[] {
  const rows = store.containers.list()
  return rows.some(isOrphaned) ? rows.map(row => settle(store, row)) : rows
}

/** True for those who have a process, or had one when their row was written last. */
export function isActive({ status }: Pick<ContainerRow, 'status'>): boolean {
  return status === 'running' || status === 'restarting' || status === 'starting'
}

function isOrphaned(row: ContainerRow): boolean {
  return isActive(row) && keeperState(row.keeper) !== 'alive'
}

function settle(store: LocalStore, row: ContainerRow): ContainerRow {
  if (!isOrphaned(row)) return row
  const rebooted = keeperState(row.keeper) === 'rebooted'
  const ended =
    row.status === 'starting' && row.startedAt === undefined
      ? ({ status: 'created', error: 'what was starting it was killed' } as const)
      : ({
          status: 'exited',
          finishedAt: Date.now(),
          exitCode: rebooted ? UNKNOWN_EXIT : KILLED,
          error: rebooted ? 'the machine was restarted' : 'its supervisor was killed',
        } as const)
  store.containers.change(row.id, { ...ended, pid: undefined, keeper: undefined }, now => now.keeper === row.keeper)
  return store.containers.get(row.id) ?? row
}
