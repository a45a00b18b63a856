import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { ShaleError } from '../error.ts'
import { damagedDatabase, databaseError, isBusy } from './database-errors.ts'
import { MIGRATIONS } from './schema.ts'

/** Another process holds the write lock for moments only; longer than this means that something is wrong. */
const BUSY_TIMEOUT_MS = 60_000
const OPEN_ATTEMPTS = 200

/**
 * The store's SQLite database. Everything is synchronous. A row type is what the caller knows of the columns it asked
 * for; the tables are STRICT, so that the database holds what the schema says.
 */
export interface Database {
  readonly isOpen: boolean
  get<Row>(sql: string, ...values: readonly SQLInputValue[]): Row | undefined
  all<Row>(sql: string, ...values: readonly SQLInputValue[]): Row[]
  /** Gives the number of rows changed. Writes belong inside `write`. */
  run(sql: string, ...values: readonly SQLInputValue[]): number
  /** Runs `action` as one write transaction, in the one around it if there is one. It must not be asynchronous. */
  write<T>(action: () => T extends Promise<unknown> ? never : T): T
  close(): void
}

export interface DatabaseOptions {
  /** Every commit reaches the disk before it returns: for a registry server, whose acknowledgements are promises. */
  readonly durable?: boolean
  /**
   * Asked before tables are made in a database that has none: false means that there were some, and that the database
   * is damaged. True if absent.
   */
  readonly mayCreate?: () => boolean
  /** The schema's steps, for tests of going from one to the next. */
  readonly migrations?: readonly string[]
}

/**
 * Opens or makes the database. It throws `STORE_TOO_NEW`, `STORE_UNUSABLE`; opening and every later call may throw
 * `STORE_DAMAGED` and `DISK_FULL`.
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): Database {
  const connection = connect(path)
  try {
    connection.exec(`PRAGMA synchronous = ${options.durable ? 'FULL' : 'NORMAL'}; PRAGMA foreign_keys = ON`)
    const database = new StatementCache(connection, path)
    migrate(database, connection, path, options)
    return database
  } catch (error) {
    connection.close()
    throw databaseError(error, path)
  }
}

class StatementCache implements Database {
  readonly #connection: DatabaseSync
  readonly #path: string
  readonly #statements = new Map<string, StatementSync>()

  constructor(connection: DatabaseSync, path: string) {
    this.#connection = connection
    this.#path = path
  }

  get isOpen(): boolean {
    return this.#connection.isOpen
  }

  get<Row>(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#named(() => this.#prepare(sql).get(...values) as Row | undefined)
  }

  all<Row>(sql: string, ...values: readonly SQLInputValue[]): Row[] {
    return this.#named(() => this.#prepare(sql).all(...values) as Row[])
  }

  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return this.#named(() => Number(this.#prepare(sql).run(...values).changes))
  }

  write<T>(action: () => T extends Promise<unknown> ? never : T): T {
    if (this.#connection.isTransaction) return action()
    this.#exec('BEGIN IMMEDIATE')
    try {
      const result = action()
      this.#exec('COMMIT')
      return result
    } catch (error) {
      if (this.#connection.isTransaction) this.#exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    this.#statements.clear()
    if (this.#connection.isOpen) this.#connection.close()
  }

  #exec(sql: string): void {
    this.#named(() => this.#connection.exec(sql))
  }

  #named<T>(action: () => T): T {
    try {
      return action()
    } catch (error) {
      throw databaseError(error, this.#path)
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#connection.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

/**
 * SQLite's busy timeout does not cover the switch to WAL, nor the moment in which the last other connection cleans up:
 * both answer SQLITE_BUSY at once, so that they are tried again here.
 */
function connect(path: string): DatabaseSync {
  for (let attempt = 1; ; attempt++) {
    let connection: DatabaseSync | undefined
    try {
      connection = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
      connection.prepare('PRAGMA journal_mode = WAL').get()
      connection.prepare('SELECT count(*) FROM sqlite_schema').get()
      return connection
    } catch (cause) {
      if (connection?.isOpen) connection.close()
      if (isBusy(cause) && attempt < OPEN_ATTEMPTS) {
        pause(Math.min(attempt, 20))
        continue
      }
      const known = databaseError(cause, path)
      if (known !== cause) throw known
      throw new ShaleError('STORE_UNUSABLE', `cannot open the store's database ${path}: ${(cause as Error).message}`, {
        cause,
        hint: 'check that the folder is writable and its disk is not full; --root names another store',
      })
    }
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

function migrate(
  database: Database,
  connection: DatabaseSync,
  path: string,
  { mayCreate = () => true, migrations = MIGRATIONS }: DatabaseOptions,
): void {
  if (version(database) === migrations.length) return
  database.write(() => {
    const from = version(database)
    if (from > migrations.length) {
      throw new ShaleError('STORE_TOO_NEW', `the store's database ${path} was written by a newer shale`, {
        hint: `its schema is version ${from}, this shale knows ${migrations.length}: update shale, or use another --root`,
      })
    }
    if (from === 0 && !mayCreate()) throw damagedDatabase(path, 'it is empty, but the store has blobs')
    for (const step of migrations.slice(from)) connection.exec(step)
    connection.exec(`PRAGMA user_version = ${migrations.length}`)
  })
}

function version(database: Database): number {
  return database.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0
}
