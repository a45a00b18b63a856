import { randomBytes, randomUUID } from 'node:crypto'
import type { Database } from '../../../store/database.ts'

/** A writer that has not been heard of for this long is dead: its process was killed. */
export const WRITER_EXPIRY_MS = 6_000
export const WRITER_RENEWAL_MS = 1_500

export interface UploadRow {
  readonly id: string
  readonly repository: string
  /** Name in the store's temporary folder. */
  readonly file: string
}

/** What a writer has of an upload. `former` is the file of a writer that died: it may still have that open. */
export interface Claim extends UploadRow {
  readonly token: string
  readonly former: string | undefined
}

interface ClaimedRow extends UploadRow {
  readonly writer: string | null
  readonly writer_at: number | null
}

/**
 * Rows of uploads. One writer at a time has an upload: its token is in the row, with a heartbeat. They need not survive
 * a machine that loses power, so they are written on a connection that does not wait for the disk.
 */
export class UploadRows {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  insert(repository: string): UploadRow {
    const id = randomUUID()
    const row = { id, repository, file: fileName(id) }
    const now = Date.now()
    this.#database.write(() =>
      this.#database.run(
        `INSERT INTO registry_uploads (id, repository, file, started_at, touched_at)
         VALUES (?, ?, ?, ?, ?)`,
        id,
        repository,
        row.file,
        now,
        now,
      ),
    )
    return row
  }

  find(repository: string, id: string): UploadRow | undefined {
    return this.#database.get<UploadRow>(
      'SELECT id, repository, file FROM registry_uploads WHERE id = ? AND repository = ?',
      id,
      repository,
    )
  }

  claim(repository: string, id: string): Claim | 'unknown' | 'busy' {
    const token = randomBytes(9).toString('hex')
    return this.#database.write(() => {
      const row = this.#database.get<ClaimedRow>(
        'SELECT id, repository, file, writer, writer_at FROM registry_uploads WHERE id = ? AND repository = ?',
        id,
        repository,
      )
      if (row === undefined) return 'unknown'
      const now = Date.now()
      if (row.writer !== null && (row.writer_at ?? 0) > now - WRITER_EXPIRY_MS) return 'busy'
      const dead = row.writer !== null
      const file = dead ? fileName(id) : row.file
      this.#database.run(
        'UPDATE registry_uploads SET writer = ?, writer_at = ?, touched_at = ?, file = ? WHERE id = ?',
        token,
        now,
        now,
        file,
        id,
      )
      return { id, repository, token, file, former: dead ? row.file : undefined }
    })
  }

  /** False when another has taken it over: then nothing may be written any more. */
  renew({ id, token }: Claim): boolean {
    const now = Date.now()
    return this.#database.write(
      () =>
        this.#database.run(
          'UPDATE registry_uploads SET writer_at = ?, touched_at = ? WHERE id = ? AND writer = ?',
          now,
          now,
          id,
          token,
        ) > 0,
    )
  }

  release({ id, token }: Claim): void {
    this.#database.write(() =>
      this.#database.run(
        'UPDATE registry_uploads SET writer = NULL, writer_at = NULL, touched_at = ? WHERE id = ? AND writer = ?',
        Date.now(),
        id,
        token,
      ),
    )
  }

  /** Forgets the upload if this writer still has it; `database` is the connection whose transaction it belongs to. */
  remove({ id, token }: Claim, database: Database = this.#database): boolean {
    return database.write(() => database.run('DELETE FROM registry_uploads WHERE id = ? AND writer = ?', id, token) > 0)
  }

  /** Uploads that nobody has touched since, and nobody writes to. */
  stale(before: number): readonly UploadRow[] {
    return this.#database.all<UploadRow>(
      'SELECT id, repository, file FROM registry_uploads WHERE touched_at < ?',
      before,
    )
  }
}

/** A new one for each takeover. */
function fileName(id: string): string {
  return `upload-${id}.${randomBytes(4).toString('hex')}`
}
