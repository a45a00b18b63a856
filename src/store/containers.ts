import type { SQLInputValue } from 'node:sqlite'
import { ShaleError } from '../error.ts'
import type { Digest } from '../oci/digest.ts'
import type { Database } from './database.ts'

/** docker's words, and `starting`, which it shows as `created`. */
export type ContainerStatus = 'created' | 'starting' | 'running' | 'restarting' | 'removing' | 'exited'

/** What changes in a container's life. Times are milliseconds since 1970. */
export interface ContainerState {
  readonly status: ContainerStatus
  /** Its first process, in the PID namespace of whoever looks after it; undefined when it does not run. */
  readonly pid: number | undefined
  /** The process that looks after it, in a form that only its own room reads; undefined when none does. */
  readonly keeper: string | undefined
  readonly startedAt: number | undefined
  readonly finishedAt: number | undefined
  readonly exitCode: number
  /** Why it could not be started or has ended; empty when there is nothing to say. */
  readonly error: string
  readonly oomKilled: boolean
  readonly restarts: number
  /** Somebody asked it to stop, so that no policy is to start it again. */
  readonly stopped: boolean
  /** What health checks have found, as JSON; undefined when there are none. */
  readonly health: string | undefined
}

export interface ContainerRow extends ContainerState {
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  /** Digest of the image that it was made from. */
  readonly image: Digest
  readonly createdAt: number
  /** JSON; the room above knows what is in it. */
  readonly options: string
}

/** With a keeper it is `starting`. */
export type NewContainer = Pick<ContainerRow, 'id' | 'name' | 'image' | 'createdAt' | 'options' | 'keeper'>

/** The records of containers; each call is a transaction. */
export interface ContainerRows {
  /** Throws `CONTAINER_NAME_TAKEN`, `IMAGE_NOT_FOUND`. */
  add(container: NewContainer): void
  get(id: string): ContainerRow | undefined
  /** The newest first. */
  list(): readonly ContainerRow[]
  /** Changes what is given, when `when` holds for the row as it is; gives the row before, or undefined when nothing was changed. */
  change(id: string, change: ContainerChange, when?: (row: ContainerRow) => boolean): ContainerRow | undefined
  remove(id: string): void
}

export type ContainerChange = Partial<ContainerState & Pick<ContainerRow, 'name' | 'options'>>

interface Columns {
  readonly id: string
  readonly name: string
  readonly image: Digest
  readonly created_at: number
  readonly options: string
  readonly status: ContainerStatus
  readonly pid: number | null
  readonly keeper: string | null
  readonly started_at: number | null
  readonly finished_at: number | null
  readonly exit_code: number
  readonly error: string
  readonly oom_killed: number
  readonly restarts: number
  readonly stopped: number
  readonly health: string | null
}

export function createContainers(database: Database): ContainerRows {
  const get = (id: string): ContainerRow | undefined => {
    const row = database.get<Columns>('SELECT * FROM containers WHERE id = ?', id)
    return row && rowOf(row)
  }
  return {
    add: container => database.write(() => add(database, container)),
    get,
    list: () => database.all<Columns>('SELECT * FROM containers ORDER BY created_at DESC, id').map(rowOf),
    change: (id, change, when = () => true) =>
      database.write(() => {
        const before = get(id)
        if (before === undefined || !when(before)) return undefined
        if (change.name !== undefined && change.name !== before.name) checkName(database, change.name)
        const columns = columnsOf(change)
        const names = columns.map(([name]) => `${name} = ?`).join(', ')
        if (columns.length > 0) {
          database.run(`UPDATE containers SET ${names} WHERE id = ?`, ...columns.map(([, value]) => value), id)
        }
        return before
      }),
    remove: id => database.write(() => void database.run('DELETE FROM containers WHERE id = ?', id)),
  }
}

function add(database: Database, { id, name, image, createdAt, options, keeper }: NewContainer): void {
  checkName(database, name)
  if (database.get('SELECT 1 FROM manifests WHERE digest = ?', image) === undefined) {
    throw new ShaleError('IMAGE_NOT_FOUND', `No such image: ${image}`, { hint: 'it was removed meanwhile' })
  }
  database.run(
    'INSERT INTO containers (id, name, image, created_at, options, keeper, status) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ...[id, name, image, createdAt, options, keeper ?? null, keeper === undefined ? 'created' : 'starting'],
  )
}

function checkName(database: Database, name: string): void {
  const other = database.get<{ id: string }>('SELECT id FROM containers WHERE name = ?', name)
  if (other === undefined) return
  const why = `The container name "/${name}" is already in use by container "${other.id}".`
  throw new ShaleError('CONTAINER_NAME_TAKEN', `Conflict. ${why}`, {
    hint: 'remove or rename that container to be able to reuse the name',
  })
}

function rowOf(row: Columns): ContainerRow {
  return {
    id: row.id,
    name: row.name,
    image: row.image,
    createdAt: row.created_at,
    options: row.options,
    status: row.status,
    pid: row.pid ?? undefined,
    keeper: row.keeper ?? undefined,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    exitCode: row.exit_code,
    error: row.error,
    oomKilled: row.oom_killed !== 0,
    restarts: row.restarts,
    stopped: row.stopped !== 0,
    health: row.health ?? undefined,
  }
}

const COLUMNS: Readonly<Record<keyof ContainerChange, string>> = {
  name: 'name',
  options: 'options',
  status: 'status',
  pid: 'pid',
  keeper: 'keeper',
  startedAt: 'started_at',
  finishedAt: 'finished_at',
  exitCode: 'exit_code',
  error: 'error',
  oomKilled: 'oom_killed',
  restarts: 'restarts',
  stopped: 'stopped',
  health: 'health',
}

function columnsOf(change: ContainerChange): readonly (readonly [column: string, value: SQLInputValue])[] {
  return (Object.keys(change) as (keyof ContainerChange)[]).map(key => {
    const value = change[key]
    return [COLUMNS[key], typeof value === 'boolean' ? Number(value) : (value ?? null)]
  })
}
