import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Outcome, run } from '../../scripts/bases/process.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { tmp } from '../support/shale.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))

/** A number that stands in no file: no name, no ranges of subordinate IDs. */
const NOBODY = ['setpriv', '--reuid', '54322', '--regid', '54322', '--clear-groups']

/** Why these tests cannot run here; false if they can. */
function obstacle(): string | false {
  if (process.getuid?.() !== 0) return 'needs root, to become an ordinary user'
  const [command = '', ...args] = [...NOBODY, 'test', '-r', BIN, '-a', '-x', process.execPath]
  return spawnSync(command, args).status === 0 ? false : 'needs a checkout that other users can read'
}

interface Place {
  readonly call: (args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Outcome>
  readonly home: string
}

/** `bin/shale` as a user without ranges, behind a command that restricts it further. */
async function restricted(t: TestContext, ...wrapper: readonly string[]): Promise<Place> {
  const home = await tmp(t, 'restricted')
  execFileSync('chown', ['54322:54322', home])
  const call = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const [command = '', ...rest] = [...NOBODY, ...wrapper, process.execPath, BIN, ...args]
    const plain = { PATH: process.env.PATH, HOME: home, SHALE_ROOT: join(home, 'store') }
    return run(command, rest, { cwd: home, env: { ...plain, ...env } })
  }
  return { call, home }
}

const DOCKERFILE = `FROM scratch
COPY bin /bin
COPY --chown=33:44 data /data
RUN echo made > /made && id -u
`

async function project(t: TestContext): Promise<string> {
  const folder = await fixtureTree(await tmp(t, 'project'), { Dockerfile: DOCKERFILE, data: 'A' })
  execFileSync('cp', ['-a', join(await busyboxRootfs(), 'bin'), folder])
  await chmod(folder, 0o755)
  return folder
}

interface Report {
  readonly ok: boolean
  readonly checks: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly advice?: string
  }[]
}

async function doctor({ call }: Place, env: NodeJS.ProcessEnv = {}) {
  const { code, stdout, stderr } = await call(['--offline', 'doctor', '--format', 'json'], env)
  assert.equal(stderr, '')
  const report = JSON.parse(stdout) as Report
  assert.equal(code, report.ok ? 0 : 1)
  return { report, of: (name: string) => report.checks.find(check => check.name === name) }
}

const options = { skip: obstacle(), timeout: 60_000 }

/** Opening it fails, if there is one. */
const NO_FUSE = '{ [ ! -e /dev/fuse ] || mount --bind /dev/null /dev/fuse; } && exec "$@"'

const WORKING: readonly (readonly [what: string, wrapper: readonly string[], message: RegExp])[] = [
  ['an ordinary user without ranges of IDs', [], /has no range in \/etc\/subuid/],
  ['in an unprivileged user namespace', ['unshare', '--user', '--map-root-user'], /this user namespace has one user/],
  [
    'without /dev/fuse',
    ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', NO_FUSE, 'sh'],
    /this user namespace has one user/,
  ],
]

for (const [what, wrapper, message] of WORKING) {
  test(`${what}: builds and runs, and doctor says what is limited`, options, async t => {
    const place = await restricted(t, ...wrapper)
    const built = await place.call(['build', '--progress', 'plain', '-t', 'app', await project(t)])
    assert.equal(built.code, 0, built.stderr)
    assert.match(built.stderr, /files of an image all belong to one user/)
    const ran = await place.call(['run', '--rm', '--network', 'none', 'app', '/bin/sh', '-c', 'cat /made /data'])
    assert.deepEqual([ran.code, ran.stdout], [0, 'made\nA'], ran.stderr)
    const { report, of } = await doctor(place)
    assert.equal(report.ok, true)
    assert.deepEqual([of('users')?.status, of('namespaces')?.status, of('overlay')?.status], ['limited', 'ok', 'ok'])
    assert.match(of('users')?.message ?? '', message)
    assert.ok((of('users')?.advice ?? '') !== '')
    await place.call(['system', 'prune', '-af'])
  })
}

test('in a user namespace without users: build and doctor name that', options, async t => {
  const place = await restricted(t, 'unshare', '--user')
  const { code, stderr } = await place.call(['build', await project(t)])
  assert.equal(code, 1)
  assert.match(stderr, /hint: this user namespace has no users .*unshare --map-root-user/)
  const { report, of } = await doctor(place)
  assert.equal(report.ok, false)
  assert.deepEqual([of('users')?.status, of('namespaces')?.status], ['missing', 'missing'])
  assert.match(of('namespaces')?.advice ?? '', /unshare --map-root-user/)
})

test('with a read-only home: the store is elsewhere, or build and doctor say so', options, async t => {
  const script = 'mount -t tmpfs -o ro none "$HOME/ro" && exec "$@"'
  const place = await restricted(t, 'unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh')
  execFileSync(NOBODY[0] as string, [...NOBODY.slice(1), 'mkdir', join(place.home, 'ro')])
  const readOnly = {
    HOME: place.home,
    XDG_DATA_HOME: join(place.home, 'ro/data'),
    XDG_CACHE_HOME: join(place.home, 'ro'),
  }
  const folder = await project(t)
  const elsewhere = await place.call(['build', '-q', folder], readOnly)
  assert.match(elsewhere.stdout, /^sha256:/, elsewhere.stderr)
  const inHome = { ...readOnly, SHALE_ROOT: join(place.home, 'ro/data/shale') }
  const { code, stderr } = await place.call(['build', folder], inHome)
  assert.equal(code, 1)
  assert.match(stderr, /ERROR: cannot use the store .*read-only file system\nhint: .*--root or SHALE_ROOT/)
  const { report, of } = await doctor(place, inHome)
  assert.equal(report.ok, false)
  assert.equal(of('store')?.status, 'missing')
  assert.match(of('store')?.message ?? '', /read-only file system/)
  assert.match(of('store')?.advice ?? '', /--root or SHALE_ROOT/)
  await place.call(['system', 'prune', '-af'])
})

test('doctor names a missing program, and a credential helper that is not there', options, async t => {
  const place = await restricted(t)
  await fixtureTree(place.home, {
    'docker/config.json': JSON.stringify({ credHelpers: { 'registry.example.com': 'nowhere' } }),
    'programs/': '',
  })
  execFileSync('ln', ['-s', '/bin/sh', join(place.home, 'programs/sh')])
  const env = { PATH: join(place.home, 'programs'), DOCKER_CONFIG: join(place.home, 'docker') }
  const { stdout, code } = await run(process.execPath, [BIN, '--offline', 'doctor'], {
    env: { ...env, HOME: place.home, SHALE_ROOT: join(place.home, 'root') },
  })
  assert.equal(code, 1)
  assert.match(
    stdout,
    /^MISSING +tools +unshare and setpriv not installed: RUN and run do not work\n +→ install util-linux/m,
  )
  assert.match(stdout, /^- +runtime runc +not installed, and not needed$/m)
  assert.match(
    stdout,
    /^limited +log-in registry\.example\.com +.*docker-credential-nowhere, which is not installed\n +→ /m,
  )
})
