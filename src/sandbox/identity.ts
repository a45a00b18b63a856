import { readFileSync } from 'node:fs'
import { isErrno } from '../error.ts'

/** A stretch of IDs of /etc/subuid or /etc/subgid that a user may map. Source: subuid(5). */
export interface SubIdRange {
  readonly start: number
  readonly count: number
}

/** One line of a user namespace's map. Source: user_namespaces(7). */
export interface IdMapping {
  readonly inside: number
  readonly outside: number
  readonly count: number
}

/** Who we are on the host. */
export interface HostUser {
  readonly uid: number
  readonly gid: number
  /** Login name; undefined when the user has none. */
  readonly name: string | undefined
}

/** The ranges of the user in the text of /etc/subuid, listed under the name or the number; bad lines are passed over. */
export function parseSubIds(text: string, { uid, name }: Pick<HostUser, 'uid' | 'name'>): readonly SubIdRange[] {
  return text.split('\n').flatMap(line => {
    const [owner, start, count, ...rest] = line.trim().split(':')
    if (owner !== name && owner !== String(uid)) return []
    const range = { start: decimal(start), count: decimal(count) }
    return rest.length === 0 && range.start >= 0 && range.count > 0 ? [range] : []
  })
}

function decimal(text: string | undefined): number {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : -1
}

/** We become 0, and the ranges follow one after the other from 1. */
export function idMappings(self: number, ranges: readonly SubIdRange[]): readonly IdMapping[] {
  const mappings: IdMapping[] = [{ inside: 0, outside: self, count: 1 }]
  let next = 1
  for (const { start, count } of ranges) {
    mappings.push({ inside: next, outside: start, count })
    next += count
  }
  return mappings
}

/** The words that newuidmap(1) takes after the process ID. */
export function mappingArguments(mappings: readonly IdMapping[]): readonly string[] {
  return mappings.flatMap(({ inside, outside, count }) => [inside, outside, count].map(String))
}

/** Who runs this, by /etc/passwd. */
export function hostUser(): HostUser {
  const uid = process.geteuid?.() ?? 0
  const gid = process.getegid?.() ?? 0
  const line = readOptional('/etc/passwd')
    .split('\n')
    .find(each => each.split(':')[2] === String(uid))
  return { uid, gid, name: line?.split(':')[0] }
}

/** The user's ranges on this machine. */
export function subIds(user: HostUser): { readonly uids: readonly SubIdRange[]; readonly gids: readonly SubIdRange[] } {
  return {
    uids: parseSubIds(readOptional('/etc/subuid'), user),
    gids: parseSubIds(readOptional('/etc/subgid'), user),
  }
}

/** Where this process stands: its IDs as the kernel maps them. Source: user_namespaces(7). */
export interface UserNamespace {
  /** `host`: the first namespace. `whole`: another one, with more than one user. `single`: with one. `none`: no user. */
  readonly kind: 'host' | 'whole' | 'single' | 'none'
}

export function userNamespace(map: string = readOptional('/proc/self/uid_map')): UserNamespace {
  const rows = map
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number))
  const count = rows.reduce((sum, [, , each = 0]) => sum + each, 0)
  const [first] = rows
  if (first?.[0] === 0 && first[1] === 0 && first[2] === 2 ** 32 - 1) return { kind: 'host' }
  // Without /proc nobody can tell, and the first namespace is what is usual.
  if (map === '' && !isProcMounted()) return { kind: 'host' }
  return { kind: count > 1 ? 'whole' : count === 1 ? 'single' : 'none' }
}

function isProcMounted(): boolean {
  return readOptional('/proc/self/status') !== ''
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES')) return ''
    throw error
  }
}
