import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import type { Finding } from './check-finding.ts'
import { forgetLayer } from './check-tables.ts'
import { readSteps } from './json-column.ts'
import type { LocalStore } from './open.ts'
import { isCompleteName } from './tags.ts'

/**
 * Rows whose values cannot be what Shale has written, though SQLite finds its file in order: a bit flipped in a text or a
 * number. A repair forgets them; what needs a layer reads it again from its blob, what needs a step runs it again.
 */
export function checkRows(store: LocalStore, repair: boolean): readonly Finding[] {
  return [
    ...damagedLayers(store, repair),
    ...damagedRecords(store, repair),
    ...damagedBuilds(store, repair),
    ...damagedNames(store, repair),
    ...damagedTimes(store, repair),
  ]
}

/** A layer is as damaged as the rows of its blobs. */
function damagedLayers(store: LocalStore, repair: boolean): readonly Finding[] {
  const ids = store.database.all<{ id: number }>('SELECT id FROM layers ORDER BY id').map(({ id }) => id)
  return ids.flatMap((id): readonly Finding[] => {
    const why = whyUnreadable(() => store.layers.byId(id))
    if (why === undefined) return []
    if (repair) forgetLayer(store, id)
    const remedy = 'forgotten: images read the layer again from its blob, steps run again'
    return [{ kind: 'layer', id: String(id), problem: why, remedy, mends: true }]
  })
}

function damagedRecords(store: LocalStore, repair: boolean): readonly Finding[] {
  const keys = store.database.all<{ key: Digest }>('SELECT key FROM cache_records ORDER BY key').map(({ key }) => key)
  return keys.flatMap((key): readonly Finding[] => {
    const why = whyUnreadable(() => store.cache.peek(key) ?? DAMAGED)
    if (why === undefined) return []
    if (repair) store.cache.remove([key])
    const problem = why === DAMAGED ? `the row of the recorded step ${key} is damaged` : why
    return [{ kind: 'record', id: key, problem, remedy: 'forgotten: the step runs again', mends: true }]
  })
}

const DAMAGED = 'damaged'

/** What the reader says of a damaged row. A reader that gives `DAMAGED` says only that. */
function whyUnreadable(read: () => unknown): string | undefined {
  try {
    return read() === DAMAGED ? DAMAGED : undefined
  } catch (error) {
    if (error instanceof ShaleError && error.code === 'STORE_DAMAGED') return error.message
    throw error
  }
}

function damagedBuilds({ database }: LocalStore, repair: boolean): readonly Finding[] {
  const rows = database.all<{ lineage: string; bytes: string; steps: string }>(
    'SELECT lineage, hex(lineage) AS bytes, steps FROM builds ORDER BY lineage',
  )
  return rows
    .filter(({ steps }) => readSteps(steps) === null)
    .map(({ lineage, bytes }): Finding => {
      if (repair) database.write(() => database.run('DELETE FROM builds WHERE hex(lineage) = ?', bytes))
      const problem = `the row of the last build of ${lineage} is damaged`
      return { kind: 'record', id: lineage, problem, remedy: 'forgotten: the next build has no reasons', mends: true }
    })
}

/** Their bytes name them, for a text may be no UTF-8 any more. Columns of names, and what makes of them a complete name with a tag. */
const NAMES = [
  ['tags', 'name', ''],
  ['repo_digests', 'repository', ':tag'],
] as const

function damagedNames({ database }: LocalStore, repair: boolean): readonly Finding[] {
  return NAMES.flatMap(([table, column, rest]) => {
    const sql = `SELECT DISTINCT ${column} AS name, hex(${column}) AS bytes FROM ${table} ORDER BY 1`
    return database
      .all<{ name: string; bytes: string }>(sql)
      .filter(({ name }) => !isCompleteName(`${name}${rest}`))
      .map(({ name, bytes }): Finding => {
        if (repair) database.write(() => database.run(`DELETE FROM ${table} WHERE hex(${column}) = ?`, bytes))
        const problem = `${JSON.stringify(name)} in the table ${table} is no name of an image`
        return { kind: 'tag', id: name, problem, remedy: 'forgotten; tag the image again', mends: true }
      })
  })
}

const TIMES = [
  ['images', 'added_at'],
  ['blobs', 'added_at'],
  ['trees', 'used_at'],
  ['volumes', 'created_at'],
  ['cache_mounts', 'created_at'],
  ['cache_mounts', 'used_at'],
  ['tags', 'at'],
  ['tag_changes', 'at'],
  ['builds', 'at'],
  ['leases', 'heartbeat'],
  ['image_variants', 'at'],
  ['referrers', 'at'],
  ['origins', 'at'],
  ['publications', 'at'],
  ['registry_blobs', 'used_at'],
  ['registry_manifests', 'pushed_at'],
  ['registry_tags', 'at'],
  ['registry_tag_changes', 'at'],
  ['registry_fresh', 'at'],
  ['registry_uploads', 'touched_at'],
] as const

/** In ms since 1970, and what a Date can be. */
const LAST_TIME = 8_640_000_000_000_000

function damagedTimes({ database, layout }: LocalStore, repair: boolean): readonly Finding[] {
  return TIMES.flatMap(([table, column]): readonly Finding[] => {
    const wrong = `FROM ${table} WHERE ${column} NOT BETWEEN 0 AND ${LAST_TIME}`
    const count = database.get<{ count: number }>(`SELECT count(*) AS count ${wrong}`)?.count ?? 0
    if (count === 0) return []
    if (repair) {
      const sql = `UPDATE ${table} SET ${column} = ? WHERE ${column} NOT BETWEEN 0 AND ${LAST_TIME}`
      database.write(() => database.run(sql, Date.now()))
    }
    const problem = `${count} of the times in the table ${table} cannot be`
    return [{ kind: 'database', id: `${layout.database}#${table}`, problem, remedy: 'set to now', mends: true }]
  })
}
