import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'

/** A user for tests, with a range of subordinate IDs. */
export interface OrdinaryUser {
  /** The command line that runs a command as that user. */
  as(command: readonly string[]): readonly [string, ...string[]]
  /** Gives the user a path of ours. */
  own(path: string): void
  remove(): void
}

/**
 * Makes the user, or gives the reason why this machine cannot have it. `firstId` begins its range of 65,536 and must not
 * be another test's.
 */
export function ordinaryUser(name: string, firstId: number, readable: string): OrdinaryUser | string {
  if (process.getuid?.() !== 0) return 'needs root, to become an ordinary user'
  if (spawnSync('sh', ['-c', 'command -v newuidmap']).status !== 0) return 'needs newuidmap (apt-get install uidmap)'
  if (spawnSync('id', ['-u', name]).status !== 0) execFileSync('useradd', ['--no-create-home', name])
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    if (!readFileSync(file, 'utf8').includes(`${name}:`)) appendFileSync(file, `${name}:${firstId}:65536\n`)
  }
  const user: OrdinaryUser = {
    as: command => ['setpriv', '--reuid', name, '--regid', name, '--init-groups', ...command],
    own: path => void execFileSync('chown', [`${name}:`, path]),
    remove: () => void spawnSync('userdel', [name]),
  }
  const [command, ...args] = user.as(['test', '-r', readable, '-a', '-x', process.execPath])
  if (spawnSync(command, args).status === 0) return user
  user.remove()
  return 'needs a checkout that other users can read'
}
