import type { LocalStore } from '../store/open.ts'
import { keeperOf } from './keeper.ts'
import type { Supervised } from './supervise.ts'

/** Changes the record of a container as long as this process is who looks after it. */
export function keeperRecord(store: LocalStore, id: string): Supervised['record'] {
  const own = keeperOf(process.pid)
  return change => store.containers.change(id, change, row => row.keeper === own)
}
