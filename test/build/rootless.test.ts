import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Outcome, run } from '../../scripts/bases/process.ts'
import { openImage, openStore } from '../../src/index.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const USER = 'shale-builder'
const TIMEOUT = { timeout: 60_000 }

/** Why these tests cannot run on this machine; false if they can. */
function obstacle(): string | false {
  if (process.getuid?.() !== 0) return 'needs root, to compare with what root builds'
  if (spawnSync('sh', ['-c', 'command -v newuidmap']).status !== 0) return 'needs newuidmap (apt-get install uidmap)'
  if (spawnSync('id', ['-u', USER]).status !== 0) execFileSync('useradd', ['--no-create-home', USER])
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    if (!readFileSync(file, 'utf8').includes(`${USER}:`)) appendFileSync(file, `${USER}:710000000:65536\n`)
  }
  const [command, ...args] = asUser(['test', '-r', BIN, '-a', '-x', process.execPath])
  if (spawnSync(command, args).status === 0) return false
  removeUser()
  return 'needs a checkout that other users can read'
}

function removeUser(): void {
  spawnSync('userdel', [USER])
}

function asUser(command: readonly string[]): readonly [string, ...string[]] {
  return ['setpriv', '--reuid', USER, '--regid', USER, '--init-groups', ...command]
}

/** A number that stands in no file: without ranges, as in most containers of a CI. */
const NOBODY = '54321'

function asNobody(command: readonly string[]): readonly [string, ...string[]] {
  return ['setpriv', '--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', ...command]
}

/** `bin/shale` as that user, with a home and a store of its own. */
async function userShale(t: TestContext, owner = `${USER}:`, as = asUser) {
  const home = await tmp(t, 'home')
  execFileSync('chown', [owner, home])
  const root = join(home, 'store')
  const env = { PATH: process.env.PATH, HOME: home, SHALE_ROOT: root }
  const call = (args: readonly string[]): Promise<Outcome> => {
    const [command, ...rest] = as([process.execPath, BIN, ...args])
    return run(command, rest, { env, cwd: home })
  }
  return { call, root }
}

const DOCKERFILE = `FROM scratch
COPY bin /bin
COPY etc /etc
COPY --chown=33:44 --chmod=640 data /data
RUN mkdir -p /private/deep && echo secret > /private/deep/file \\
  && chown -R 1000:2000 /private && chmod 700 /private /private/deep
RUN chown 0:5 /data/a && chmod 4755 /data/a && rm /data/b && mkfifo /pipe
USER www
WORKDIR /home/www/project
RUN id -u > mine && touch /tmp-denied 2> /dev/null || echo denied >> mine
`

async function project(t: TestContext): Promise<string> {
  const folder = await fixtureTree(await tmp(t, 'project'), {
    Dockerfile: DOCKERFILE,
    'bin/sh': { content: readFileSync(join(await busyboxRootfs(), 'bin/busybox')), mode: 0o755 },
    'etc/passwd': 'root:x:0:0::/root:/bin/sh\nwww:x:33:33::/home/www:/bin/sh\n',
    'etc/group': 'root:x:0:\nwww:x:33:\n',
    'data/a': 'A',
    'data/b': 'B',
  })
  await chmod(folder, 0o755)
  return folder
}

async function contentIds(root: string, name: string): Promise<readonly string[]> {
  const store = openStore({ root })
  try {
    return (await openImage(store, name)).layers.map(({ contentId }) => contentId)
  } finally {
    store.close()
  }
}

describe('a build by an ordinary user', { skip: obstacle() }, () => {
  after(removeUser)

  test('has the layers that root gets, and can be removed whole', TIMEOUT, async t => {
    const folder = await project(t)
    const byRoot = await shale(t)
    const byUser = await userShale(t)
    const outcomes = await Promise.all([byRoot, byUser.call].map(call => call(['build', '-q', '-t', 'app', folder])))
    for (const { code, stderr } of outcomes) assert.equal(code, 0, stderr)
    const expected = await contentIds(byRoot.root, 'app')
    assert.equal(expected.length, 7)
    assert.deepEqual(await contentIds(byUser.root, 'app'), expected)

    assert.notDeepEqual(readdirSync(join(byUser.root, 'trees')), [])
    const pruned = await byUser.call(['system', 'prune', '-af'])
    assert.equal(pruned.code, 0, pruned.stderr)
    for (const name of ['trees', 'tmp', 'trash']) assert.deepEqual(readdirSync(join(byUser.root, name)), [], name)
  })

  test('tells which file of the context it cannot read', TIMEOUT, async t => {
    const { call } = await userShale(t)
    const folder = await fixtureTree(await tmp(t, 'project'), {
      Dockerfile: 'FROM scratch\nCOPY src /src\n',
      'src/secret.key': { content: 'x', mode: 0o600, owner: [0, 0] },
      'locked/': { mode: 0o700, owner: [0, 0] },
      'locked.Dockerfile': 'FROM scratch\nCOPY locked /\n',
    })
    await chmod(folder, 0o755)
    const file = await call(['build', folder])
    assert.equal(file.code, 1)
    assert.match(file.stderr, /cannot read src\/secret\.key in the build context.*permission denied/)
    assert.match(file.stderr, /make it readable, or leave it out with a line in \.dockerignore/)
    const directory = await call(['build', '-f', join(folder, 'locked.Dockerfile'), folder])
    assert.equal(directory.code, 1)
    assert.match(directory.stderr, /cannot read locked in the build context/)
  })

  test('without ranges runs as root of one user, groups or not, and says what that means', TIMEOUT, async t => {
    const { call } = await userShale(t, `${NOBODY}:${NOBODY}`, asNobody)
    const folder = await fixtureTree(await tmp(t, 'project'), {
      Dockerfile: 'FROM scratch\nCOPY bin /bin\nCOPY etc /etc\nRUN id > /who\n',
      'user.Dockerfile': 'FROM app\nUSER 5\nRUN id\n',
      'other.Dockerfile': 'FROM app\nRUN chown 3 /who\n',
      'bin/sh': { content: readFileSync(join(await busyboxRootfs(), 'bin/busybox')), mode: 0o755 },
      'etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
      'etc/group': 'root:x:0:root\nwheel:x:10:root\n',
    })
    await chmod(folder, 0o755)
    const limit = /^Warning: 54321 has no range in \/etc\/subuid and \/etc\/subgid: .*belong to one user/m
    const built = await call(['build', '-t', 'app', folder])
    assert.equal(built.code, 0, built.stderr)
    assert.match(built.stderr, limit)
    const ran = await call(['run', '--rm', 'app', 'sh', '-c', 'cat /who; id -u'])
    assert.deepEqual([ran.code, ran.stdout], [0, 'uid=0(root) gid=0(root)\n0\n'], ran.stderr)
    assert.match(ran.stderr, limit)
    const failed = await call(['build', '-f', join(folder, 'other.Dockerfile'), folder])
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, limit)
    const stranger = await call(['run', '--rm', '-u', '5', 'app', 'sh'])
    assert.equal(stranger.code, 125)
    const unmapped = await call(['build', '-f', join(folder, 'user.Dockerfile'), folder])
    assert.deepEqual([unmapped.code, /cannot run as user 5,/.test(unmapped.stderr)], [1, true], unmapped.stderr)
    assert.match(stranger.stderr, /cannot run as user 5, group 0: not in this user namespace\nhint: .*subuid/)
  })
})
