import { hostUser, subIds, userNamespace } from '../sandbox/identity.ts'
import type { Check, DoctorRequest } from './check.ts'
import { findProgram } from './programs.ts'

/** IDs that images use, `nobody` included. */
const ENOUGH = 65_536

/** Who the files of images can belong to. */
export function checkUsers({ env }: DoctorRequest): readonly Check[] {
  const { kind } = userNamespace()
  const user = hostUser()
  if (kind === 'none') {
    const message = 'this user namespace has no users: RUN and run do not work'
    return [{ name: 'users', status: 'missing', message, advice: 'make it with unshare --map-root-user' }]
  }
  if (user.uid === 0 && kind === 'host') return [{ name: 'users', status: 'ok', message: 'root, with every user' }]
  if (user.uid === 0 && kind === 'whole') {
    return [{ name: 'users', status: 'ok', message: 'root of a user namespace with users of its own' }]
  }
  if (kind === 'single') {
    const advice = 'start it with a range of users, as rootless podman does, or run Shale outside of it'
    return [limited('this user namespace has one user', advice)]
  }
  return [ranges(user.name ?? String(user.uid), subIds(user), env)]
}

function limited(why: string, advice: string): Check {
  const message = `${why}: files of an image all belong to one user, and commands run as root only`
  return { name: 'users', status: 'limited', message, advice }
}

function ranges(name: string, { uids, gids }: ReturnType<typeof subIds>, env: DoctorRequest['env']): Check {
  for (const [file, found] of [
    ['/etc/subuid', uids],
    ['/etc/subgid', gids],
  ] as const) {
    const count = found.reduce((sum, range) => sum + range.count, 0)
    if (count === 0) {
      const advice = `as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name} (a range that is nobody else's)`
      return limited(`${name} has no range in ${file}`, advice)
    }
    if (count < ENOUGH) {
      const message = `${name} has ${count} IDs in ${file}, and images use up to ${ENOUGH}`
      return { name: 'users', status: 'limited', message, advice: `give ${name} a larger range, as root with usermod` }
    }
  }
  const lacking = ['newuidmap', 'newgidmap'].filter(program => findProgram(program, env) === undefined)
  if (lacking.length > 0)
    return limited(`${lacking.join(' and ')} not installed`, 'install the package uidmap (shadow)')
  return { name: 'users', status: 'ok', message: `${name} has ranges in /etc/subuid and /etc/subgid, and newuidmap` }
}
