import { ShaleError } from '../error.ts'
import { checkDatabase } from './check-database.ts'
import { type LocalStore, openStore, type StoreOptions } from './open.ts'
import { type Rebuilt, rebuildStore } from './rebuild.ts'

export interface OpenedForCheck {
  readonly store: LocalStore
  /** What was made of a damaged database; undefined when it is sound, or was not to be repaired. */
  readonly rebuilt: Rebuilt | undefined
  /** Whether the database was sound but for its indexes, which were made anew from its rows. */
  readonly reindexed: boolean
}

/**
 * Opens a store to check it. A damaged database cannot be opened, or not be trusted; a repair makes a new one first.
 * Throws as `openStore`.
 */
export async function openForCheck(options: StoreOptions, repair: boolean): Promise<OpenedForCheck> {
  try {
    const store = openStore(options)
    const state = repair ? soundness(store) : 'sound'
    if (state !== 'damaged') return { store, rebuilt: undefined, reindexed: state === 'reindexed' }
    store.close()
  } catch (error) {
    if (!repair || !isDamage(error)) throw error
  }
  const rebuilt = await rebuildStore(options)
  return { store: openStore(options), rebuilt, reindexed: false }
}

/** An index that does not fit its table is made from it, for a new database would lose what is in no blob. */
function soundness(store: LocalStore): 'sound' | 'reindexed' | 'damaged' {
  try {
    if (checkDatabase(store).length === 0) return 'sound'
    store.database.write(() => store.database.run('REINDEX'))
    return checkDatabase(store).length === 0 ? 'reindexed' : 'damaged'
  } catch (error) {
    if (isDamage(error)) return 'damaged'
    store.close()
    throw error
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof ShaleError && error.code === 'STORE_DAMAGED'
}
