import { ShaleError } from '../error.ts'

/** Whom a process runs as, or whom a file belongs to. */
export interface Identity {
  readonly uid: number
  readonly gid: number
  /** All of the process's groups, the primary one included. */
  readonly groups: readonly number[]
  readonly home: string
}

/** Reads a file of the image; undefined when there is none. */
export type ReadFile = (path: string) => Promise<Buffer | undefined>

interface PasswdLine {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}
interface GroupLine {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

const MAX_ID = 2 ** 31 - 1

/**
 * What `USER` means for a process: names from /etc/passwd and /etc/group of the image, numbers as they are. Without a
 * group the user's primary one (0 for an unknown number) and every group that lists the user. Throws `UNKNOWN_USER`.
 */
export async function processIdentity(user: string, read: ReadFile): Promise<Identity> {
  const [name = '', group] = splitUser(user)
  const passwd = parsePasswd(await read('/etc/passwd'))
  const groups = parseGroups(await read('/etc/group'))
  const known = name === '' ? passwd.find(({ uid }) => uid === 0) : findUser(passwd, name)
  const uid = known?.uid ?? (name === '' ? 0 : numeric(name))
  if (uid === undefined) throw unknown('user', name, 'passwd')
  const home = known?.home || '/'
  if (group !== undefined && group !== '') {
    const gid = findGroup(groups, group)
    if (gid === undefined) throw unknown('group', group, 'group')
    return { uid, gid, groups: [gid], home }
  }
  const gid = known?.gid ?? 0
  const further =
    known === undefined ? [] : groups.filter(({ members }) => members.includes(known.name)).map(line => line.gid)
  return { uid, gid, groups: [...new Set([gid, ...further])], home }
}

/** Groups by name in the image's /etc/group or by number. Throws `UNKNOWN_USER`. */
export async function additionalGroups(names: readonly string[], read: ReadFile): Promise<readonly number[]> {
  if (names.length === 0) return []
  const groups = parseGroups(await read('/etc/group'))
  return names.map(name => {
    const gid = findGroup(groups, name)
    if (gid === undefined) throw unknown('group', name, 'group')
    return gid
  })
}

/** The owner that `--chown` gives: without a group, a name's primary group, and a number's own value. */
export async function fileOwner(text: string, read: ReadFile): Promise<{ readonly uid: number; readonly gid: number }> {
  const [name = '', group] = splitUser(text)
  const uidNumber = numeric(name)
  const gidNumber = group === undefined ? uidNumber : numeric(group)
  if (uidNumber !== undefined && gidNumber !== undefined) return { uid: uidNumber, gid: gidNumber }
  const known = uidNumber === undefined ? findUser(parsePasswd(await read('/etc/passwd')), name) : undefined
  const uid = uidNumber ?? known?.uid ?? (name === '' ? 0 : undefined)
  if (uid === undefined) throw unknown('user', name, 'passwd')
  if (group === undefined || group === '') return { uid, gid: known?.gid ?? uid }
  const gid = gidNumber ?? findGroup(parseGroups(await read('/etc/group')), group)
  if (gid === undefined) throw unknown('group', group, 'group')
  return { uid, gid }
}

function splitUser(text: string): readonly [string, string | undefined] {
  const colon = text.indexOf(':')
  return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)]
}

function numeric(text: string): number | undefined {
  return /^\d+$/.test(text) && Number(text) <= MAX_ID ? Number(text) : undefined
}

function unknown(what: 'user' | 'group', name: string, file: string): ShaleError {
  return new ShaleError('UNKNOWN_USER', `unable to find ${what} ${name}: no matching entries in ${file} file`, {
    hint: 'create it in the Dockerfile before it is used, or write its number',
  })
}

function findUser(lines: readonly PasswdLine[], name: string): PasswdLine | undefined {
  return lines.find(line => line.name === name) ?? lines.find(line => String(line.uid) === name)
}

function findGroup(lines: readonly GroupLine[], name: string): number | undefined {
  return lines.find(line => line.name === name)?.gid ?? numeric(name)
}

function fieldsOf(file: Buffer | undefined): readonly (readonly string[])[] {
  if (file === undefined) return []
  return file
    .toString('utf8')
    .split('\n')
    .map(line => line.trim().split(':'))
    .filter(fields => fields.length >= 3)
}

function parsePasswd(file: Buffer | undefined): readonly PasswdLine[] {
  return fieldsOf(file).map(([name = '', , uid = '', gid = '', , home = '']) => ({
    name,
    uid: Number(uid),
    gid: Number(gid),
    home,
  }))
}

function parseGroups(file: Buffer | undefined): readonly GroupLine[] {
  return fieldsOf(file).map(([name = '', , gid = '', members = '']) => ({
    name,
    gid: Number(gid),
    members: members.split(','),
  }))
}
