/** A user of the image. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
}

export interface GroupAccount {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

/** The users that every distroless image has. */
export const DEFAULT_USERS: readonly Account[] = [
  { name: 'root', uid: 0, gid: 0, home: '/root', shell: '/sbin/nologin' },
  { name: 'nobody', uid: 65534, gid: 65534, home: '/nonexistent', shell: '/sbin/nologin' },
  { name: 'nonroot', uid: 65532, gid: 65532, home: '/home/nonroot', shell: '/sbin/nologin' },
]

/** Their groups, and those that files of Debian's packages belong to, with Debian's numbers. */
export const DEFAULT_GROUPS: readonly GroupAccount[] = [
  { name: 'root', gid: 0, members: [] },
  { name: 'tty', gid: 5, members: [] },
  { name: 'mail', gid: 8, members: [] },
  { name: 'shadow', gid: 42, members: [] },
  { name: 'utmp', gid: 43, members: [] },
  { name: 'staff', gid: 50, members: [] },
  { name: 'nobody', gid: 65534, members: [] },
  { name: 'nonroot', gid: 65532, members: [] },
]

export function passwdText(users: readonly Account[]): string {
  return users.map(({ name, uid, gid, home, shell }) => `${name}:x:${uid}:${gid}:${name}:${home}:${shell}\n`).join('')
}

export function groupText(groups: readonly GroupAccount[]): string {
  return groups.map(({ name, gid, members }) => `${name}:x:${gid}:${members.join(',')}\n`).join('')
}
