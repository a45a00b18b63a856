import { diskUsage } from './disk-usage.ts'
import type { LocalStore } from './open.ts'
import { executePrune, type PruneResult, planCachePrune } from './prune.ts'

export interface KeptWithin {
  /** Undefined when the store was small enough. */
  readonly pruned: PruneResult | undefined
  /** Bytes on the disk beyond the limit that no build cache takes, so that they are still there. */
  readonly beyond: number
}

/**
 * Removes build cache, what was used longest ago first, until the whole store takes no more than `limit` bytes on the
 * disk. Images, volumes, containers, what the registry serves and what a running build uses stay. Measures every file.
 */
export async function keepWithin(store: LocalStore, limit: number): Promise<KeptWithin> {
  const { rows, total } = diskUsage(store)
  if (total <= limit) return { pruned: undefined, beyond: 0 }
  const sizeOf = (type: string, field: 'size' | 'reclaimable') => rows.find(row => row.type === type)?.[field] ?? 0
  // What nothing refers to goes with the collection that ends the prune.
  const others = total - sizeOf('Build Cache', 'size') - sizeOf('Metadata', 'reclaimable')
  const plan = planCachePrune(store, { keepStorage: Math.max(0, limit - others) })
  return { pruned: await executePrune(store, plan), beyond: Math.max(0, others - limit) }
}
