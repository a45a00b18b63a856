import { ShaleError } from '../error.ts'
import { type Digest, digestHex } from '../oci/digest.ts'
import { familiarReference, formatReference, parseReference } from '../oci/reference.ts'
import type { Database } from './database.ts'
import type { TagChange, TagRecord } from './types.ts'
import { currentUser } from './user.ts'

/** Why a tag moves, and who moves it: the user of this process if absent. */
export interface TagMove {
  readonly why: string
  readonly who?: string | undefined
  /** The move is refused when the tag points elsewhere; `none` means that it must not be there. */
  readonly expected?: Digest | 'none' | undefined
}

/**
 * Points `name` at `digest` and gives what it pointed at before; nothing is noted when that is the same. Inside the
 * caller's transaction or its own. Throws `TAG_MOVED`.
 */
export function setTag(database: Database, name: string, digest: Digest, move: TagMove): Digest | undefined {
  checkName(name)
  return database.write(() => {
    const previous = getTag(database, name)?.digest
    checkExpected(name, previous, move.expected)
    if (previous === digest) return previous
    const at = Date.now()
    database.run('INSERT OR REPLACE INTO tags (name, digest, at) VALUES (?, ?, ?)', name, digest, at)
    noteChange(database, { name, digest, previous, at, why: move.why, who: move.who ?? currentUser() })
    return previous
  })
}

/**
 * Throws `TAG_MOVED` when something else than `expected` was found: a digest, the beginning of one with or without
 * `sha256:`, or `none` for no tag. No expectation is met by everything.
 */
export function checkExpected(
  name: string,
  found: Digest | undefined,
  expected: string | undefined,
  hint = `look who did: shale tags log ${familiarReference(parseReference(name))}`,
): void {
  if (expected === undefined || meets(found, expected)) return
  const shown = familiarReference(parseReference(name))
  const there = found === undefined ? `${shown} is not there` : `${shown} is at ${found}`
  const wanted = expected === 'none' ? 'it was not to be there' : `not at ${expected} as expected`
  throw new ShaleError('TAG_MOVED', `${there}, ${wanted}: somebody else has moved it`, { hint })
}

function meets(found: Digest | undefined, expected: string): boolean {
  if (found === undefined || expected === 'none') return (found ?? 'none') === expected
  return found.startsWith(expected) || digestHex(found).startsWith(expected)
}

export function deleteTag(database: Database, name: string, why: string): boolean {
  return database.write(() => {
    const previous = getTag(database, name)?.digest
    if (previous === undefined) return false
    database.run('DELETE FROM tags WHERE name = ?', name)
    noteChange(database, { name, previous, at: Date.now(), why, who: currentUser() })
    return true
  })
}

export function getTag(database: Database, name: string): TagRecord | undefined {
  const row = database.get<TagRecord>('SELECT name, digest, at FROM tags WHERE name = ?', name)
  return row && { name: row.name, digest: row.digest, at: row.at }
}

interface ChangeRow {
  readonly name: string
  readonly digest: Digest | null
  readonly previous: Digest | null
  readonly at: number
  readonly why: string
  readonly who: string | null
}

const CHANGES = 'SELECT name, digest, previous, at, why, who FROM tag_changes'

/** Newest first. */
export function tagHistory(database: Database, name: string): readonly TagChange[] {
  return database.all<ChangeRow>(`${CHANGES} WHERE name = ? ORDER BY id DESC`, name).map(changeOf)
}

/** Every move of a tag to this image, newest first. */
export function movesTo(database: Database, digest: Digest): readonly TagChange[] {
  return database.all<ChangeRow>(`${CHANGES} WHERE digest = ? ORDER BY id DESC`, digest).map(changeOf)
}

/** Complete names of all tags that a repository (`docker.io/library/app`) has or had. */
export function namesEver(database: Database, repository: string): readonly string[] {
  const rows = database.all<{ name: string }>(
    'SELECT DISTINCT name FROM tag_changes WHERE name > ? AND name < ? ORDER BY name',
    `${repository}:`,
    `${repository};`,
  )
  return rows.map(({ name }) => name)
}

function changeOf(row: ChangeRow): TagChange {
  return {
    name: row.name,
    digest: row.digest ?? undefined,
    previous: row.previous ?? undefined,
    at: row.at,
    why: row.why,
    who: row.who ?? undefined,
  }
}

function noteChange(database: Database, change: TagChange): void {
  database.run(
    'INSERT INTO tag_changes (name, digest, previous, at, why, who) VALUES (?, ?, ?, ?, ?, ?)',
    change.name,
    change.digest ?? null,
    change.previous ?? null,
    change.at,
    change.why,
    change.who ?? null,
  )
}

/** Whether it is a name as `setTag` takes it. */
export function isCompleteName(name: string): boolean {
  try {
    checkName(name)
    return true
  } catch (error) {
    if (error instanceof ShaleError) return false
    throw error
  }
}

function checkName(name: string): void {
  const reference = parseReference(name)
  if (reference.digest === undefined && formatReference(reference) === name) return
  throw new ShaleError('INVALID_TAG', `${JSON.stringify(name)} is not a complete name with a tag`, {
    hint: `write ${formatReference({ ...reference, tag: reference.tag ?? 'latest' })}`,
  })
}
