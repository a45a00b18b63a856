import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { RunRequest } from './run-request.ts'
import type { Trees } from './testing.ts'
import type { RootlessInput, RootlessOutput } from './testing-rootless.ts'

/** For tests: other users of this machine, and programs that run as them. */

const PROGRAM = fileURLToPath(new URL('./testing-rootless.ts', import.meta.url))
const asRoot = process.getuid?.() === 0

/** Makes a user that has 65,536 IDs from `start`; gives why it could not run our program, or false. */
export function makeMappedUser(name: string, start: number): string | false {
  if (spawnSync('sh', ['-c', 'command -v newuidmap']).status !== 0) return 'needs newuidmap (apt-get install uidmap)'
  if (!asRoot) return false
  makeUser(name)
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    if (!readFileSync(file, 'utf8').includes(`${name}:`)) {
      execFileSync('sh', ['-c', `echo ${name}:${start}:65536 >> ${file}`])
    }
  }
  const reads = as(name, ['test', '-r', PROGRAM, '-a', '-x', process.execPath])
  return spawnSync(reads[0], reads.slice(1)).status === 0 ? false : 'needs a checkout that other users can read'
}

/** Makes a user without any range of IDs. */
export function makeSingleUser(name: string): void {
  if (!asRoot) return
  makeUser(name)
  for (const file of ['/etc/subuid', '/etc/subgid']) execFileSync('sed', ['-i', `/^${name}:/d`, file])
}

export function removeUsers(names: readonly string[]): void {
  if (asRoot) for (const name of names) spawnSync('userdel', [name])
}

function makeUser(name: string): void {
  if (spawnSync('id', ['-u', name]).status !== 0) execFileSync('useradd', ['--no-create-home', name])
}

function as(user: string, command: readonly string[]): readonly [string, ...string[]] {
  if (!asRoot) return command as readonly [string, ...string[]]
  return ['setpriv', '--reuid', user, '--regid', user, '--init-groups', '--reset-env', ...command]
}

/** Runs the requests as the user, to whom the trees are given. */
export function runAs(
  user: string,
  trees: Trees,
  requests: readonly RunRequest[],
  remove: readonly string[] = [],
): RootlessOutput {
  if (asRoot) execFileSync('chown', ['-R', `${user}:`, trees.root])
  const [command, ...args] = as(user, [process.execPath, PROGRAM])
  const input: RootlessInput = { root: trees.root, requests, remove }
  const { stdout, stderr, status } = spawnSync(command, args, { input: JSON.stringify(input), encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as RootlessOutput
}
