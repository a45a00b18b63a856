import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import type { FileBlobs } from './blobs.ts'
import type { Database } from './database.ts'
import { damagedRow } from './database-errors.ts'
import { readIngredients, readSteps } from './json-column.ts'
import type { Leases } from './leases.ts'
import { isSealed, sealOf } from './seal.ts'
import type { BuiltStep, CacheRecord, CacheStore, Lease } from './types.ts'

/** Remembered builds, for explaining the next one; the oldest go. */
const BUILDS_KEPT = 500

export interface CacheContext {
  readonly database: Database
  readonly leases: Leases
  readonly blobs: FileBlobs
}

export function createCache(context: CacheContext): CacheStore {
  return new DatabaseCache(context)
}

interface CacheRow {
  readonly key: Digest
  readonly title: string
  readonly kind: string
  readonly ingredients: string
  readonly input_toc: Digest | null
  readonly layer: number | null
  readonly created_at: number
  readonly duration_ms: number
  readonly last_used_at: number
  readonly uses: number
  readonly seal: number | null
}

class DatabaseCache implements CacheStore {
  readonly #context: CacheContext

  constructor(context: CacheContext) {
    this.#context = context
  }

  find(key: Digest, lease?: Lease): CacheRecord | undefined {
    const { database, leases } = this.#context
    if (this.peek(key) === undefined) return undefined
    return database.write(() => {
      const row = database.get<CacheRow>(
        'UPDATE cache_records SET last_used_at = ?, uses = uses + 1 WHERE key = ? RETURNING *',
        Date.now(),
        key,
      )
      if (row === undefined) return undefined
      if (lease !== undefined && row.layer !== null) leases.hold(lease, 'layer', row.layer)
      return recordOf(row)
    })
  }

  peek(key: Digest): CacheRecord | undefined {
    const row = this.#context.database.get<CacheRow>('SELECT * FROM cache_records WHERE key = ?', key)
    return row === undefined ? undefined : recordOf(row)
  }

  put(lease: Lease, record: Omit<CacheRecord, 'lastUsedAt' | 'uses'>): void {
    const { database, blobs, leases } = this.#context
    database.write(() => {
      if (record.inputToc !== undefined && !blobs.keep(lease, record.inputToc)) {
        throw new ShaleError('BLOB_MISSING', `cannot record "${record.title}": its input ${record.inputToc} is missing`)
      }
      if (record.layerId !== undefined) {
        if (database.get('SELECT 1 FROM layers WHERE id = ?', record.layerId) === undefined) {
          throw new ShaleError(
            'LAYER_MISSING',
            `cannot record "${record.title}": its layer ${record.layerId} is missing`,
          )
        }
        leases.hold(lease, 'layer', record.layerId)
      }
      const { key, title, kind, inputToc = null, layerId = null, createdAt, durationMs } = record
      const ingredients = JSON.stringify(record.ingredients)
      const values = [key, title, kind, ingredients, inputToc, layerId, createdAt, durationMs]
      database.run(
        `INSERT OR REPLACE INTO cache_records
         (key, title, kind, ingredients, input_toc, layer, created_at, duration_ms, seal, last_used_at, uses)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
        ...values,
        sealOf(values),
        Date.now(),
      )
    })
  }

  list(): readonly CacheRecord[] {
    const { database } = this.#context
    return database.all<CacheRow>('SELECT * FROM cache_records ORDER BY created_at, key').map(row => {
      const record = recordOf(row)
      if (record === undefined) throw damagedRow(`the row of the recorded step ${row.key}`)
      return record
    })
  }

  remove(keys: readonly Digest[]): void {
    const { database } = this.#context
    database.write(() => {
      for (const key of keys) database.run('DELETE FROM cache_records WHERE key = ?', key)
    })
  }

  lastBuild(lineage: string): readonly BuiltStep[] {
    const row = this.#context.database.get<{ steps: string }>('SELECT steps FROM builds WHERE lineage = ?', lineage)
    // It only explains: a damaged one is no reason not to build.
    return (row && readSteps(row.steps)) ?? []
  }

  saveBuild(lineage: string, steps: readonly BuiltStep[]): void {
    const { database } = this.#context
    database.write(() => {
      database.run(
        'INSERT OR REPLACE INTO builds (lineage, at, steps) VALUES (?, ?, ?)',
        lineage,
        Date.now(),
        JSON.stringify(steps),
      )
      database.run(
        'DELETE FROM builds WHERE lineage NOT IN (SELECT lineage FROM builds ORDER BY at DESC LIMIT ?)',
        BUILDS_KEPT,
      )
    })
  }
}

/** Undefined when the row is damaged: to whoever looks for a step it is not there, and the step's next run replaces it. */
function recordOf(row: CacheRow): CacheRecord | undefined {
  const { key, title, kind, input_toc, layer, created_at, duration_ms } = row
  const ingredients = readIngredients(row.ingredients)
  const values = [key, title, kind, row.ingredients, input_toc, layer, created_at, duration_ms]
  if (ingredients === null || !isSealed(row.seal, values) || !isMoment(row.last_used_at)) return undefined
  return {
    key: row.key,
    title: row.title,
    kind: row.kind,
    ingredients,
    inputToc: row.input_toc ?? undefined,
    layerId: row.layer ?? undefined,
    createdAt: row.created_at,
    durationMs: row.duration_ms,
    lastUsedAt: row.last_used_at,
    uses: row.uses,
  }
}

/** What a Date can be. */
function isMoment(milliseconds: number): boolean {
  return Math.abs(milliseconds) <= 8.64e15
}
