import { mkdirSync, statSync } from 'node:fs'
import { ShaleError } from '../error.ts'
import type { Database } from './database.ts'
import { type Layout, treePath } from './layout.ts'
import type { Leases } from './leases.ts'
import type { Lease, TreeStore, TreeWriter } from './types.ts'

/** Removes a tree, which may hold files of users that only the helper process can delete. Missing is fine. */
export type RemoveTree = (path: string) => Promise<void>

/** Noting a use is a write; a use less than this after the last one is not noted. */
const USE_GRAIN_MS = 60_000

export interface TreeContext {
  readonly layout: Layout
  readonly database: Database
  readonly leases: Leases
  readonly removeTree: RemoveTree
}

export function createTrees(context: TreeContext): TreeStore {
  return new NumberedTrees(context)
}

/**
 * A tree is `filling` while its lease lives, then `ready`, and `doomed` when nothing needs it: doomed trees stay where
 * they are until a sweep has removed them, because a folder of a mapped user cannot be moved by its owner's host user.
 */
class NumberedTrees implements TreeStore {
  readonly #context: TreeContext

  constructor(context: TreeContext) {
    this.#context = context
  }

  find(key: string, lease?: Lease): string | undefined {
    const { database, layout, leases } = this.#context
    const row = database.get<{ id: number; used_at: number }>(
      "SELECT id, used_at FROM trees WHERE key = ? AND state = 'ready'",
      key,
    )
    if (row === undefined) return undefined
    const path = treePath(layout, row.id)
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined
    const now = Date.now()
    if (lease === undefined && now - row.used_at < USE_GRAIN_MS) return path
    const found = database.write(() => {
      const changed = database.run("UPDATE trees SET used_at = ? WHERE id = ? AND state = 'ready'", now, row.id)
      if (changed > 0 && lease !== undefined) leases.hold(lease, 'tree', row.id)
      return changed > 0
    })
    return found ? path : undefined
  }

  begin(lease: Lease, key: string): TreeWriter {
    const { database, layout, leases } = this.#context
    const id = database.write(() => {
      const row = database.get<{ id: number }>(
        "INSERT INTO trees (key, state, used_at) VALUES (?, 'filling', ?) RETURNING id",
        key,
        Date.now(),
      ) as { id: number }
      leases.hold(lease, 'tree', row.id)
      return row.id
    })
    const path = treePath(layout, id)
    mkdirSync(path, { mode: 0o755 })
    return { path, commit: () => this.#publish(lease, id, key), abort: () => this.#abort(id) }
  }

  #publish(lease: Lease, id: number, key: string): string {
    const { database, layout, leases } = this.#context
    return database.write(() => {
      const first = database.get<{ id: number }>("SELECT id FROM trees WHERE key = ? AND state = 'ready'", key)
      const usable =
        first !== undefined && statSync(treePath(layout, first.id), { throwIfNoEntry: false }) !== undefined
      if (first !== undefined && first.id !== id) {
        database.run("UPDATE trees SET state = 'doomed' WHERE id = ?", usable ? id : first.id)
      }
      const kept = usable ? first.id : id
      const published = database.run(
        "UPDATE trees SET state = 'ready', used_at = ? WHERE id = ? AND state <> 'doomed'",
        Date.now(),
        kept,
      )
      if (published === 0) throw new ShaleError('TREE_LOST', `the tree ${treePath(layout, id)} was collected meanwhile`)
      leases.hold(lease, 'tree', kept)
      return treePath(layout, kept)
    })
  }

  async #abort(id: number): Promise<void> {
    const { database, layout } = this.#context
    const doomed = database.write(() => {
      return database.run("UPDATE trees SET state = 'doomed' WHERE id = ? AND state = 'filling'", id) > 0
    })
    if (!doomed) return
    await this.#context.removeTree(treePath(layout, id))
    database.write(() => database.run('DELETE FROM trees WHERE id = ?', id))
  }
}
