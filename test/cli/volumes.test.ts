import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { chmod, cp } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Outcome, run } from '../../scripts/bases/process.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { ordinaryUser } from '../support/ordinary-user.ts'
import { shale, tmp } from '../support/shale.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const TIMEOUT = { timeout: 60_000 }

type Call = (args: readonly string[]) => Promise<Outcome>

const DOCKERFILE = `FROM scratch
COPY . /
RUN mkdir -p /var/db/sub && echo of-the-image > /var/db/sub/f && chown -R 33:44 /var/db && chmod 2750 /var/db && ln -s /var/db /linked
VOLUME /anon
RUN mkdir -p /anon && echo a > /anon/a
`

/** What every user must see of volumes. */
async function checkVolumes(call: Call, root: string): Promise<void> {
  const ok = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await call(args)
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const sh = (flags: readonly string[], script: string) => ok('run', '--rm', ...flags, 'box', 'sh', '-c', script)

  const seen = 'cat /var/db/sub/f; stat -c "%u:%g %a" /var/db /var/db/sub/f'
  assert.equal(
    await sh(['-v', 'db:/var/db'], `${seen}; echo more >> /var/db/sub/f`),
    'of-the-image\n33:44 2750\n33:44 644\n',
  )
  assert.equal(
    await sh(['-v', 'db:/var/db:ro'], 'cat /var/db/sub/f; touch /var/db/x 2>&1 || true'),
    'of-the-image\nmore\ntouch: /var/db/x: Read-only file system\n',
  )
  assert.equal(await sh(['-v', 'db:/linked/'], 'ls /var/db'), 'sub\n', 'through a link of the image')
  assert.equal(await sh(['--mount', 'src=bare,dst=/var/db,volume-nocopy'], 'ls /var/db'), '')
  assert.equal(await sh(['--mount', 'src=db,dst=/part,volume-subpath=sub'], 'ls /part'), 'f\n')
  assert.equal(await sh([], 'cat /anon/a; ls /var/db'), 'a\nsub\n')
  assert.equal(await sh(['-v', '/fresh'], 'ls /fresh; touch /fresh/x && echo made'), 'made\n')
  assert.equal(await ok('volume', 'ls', '-q'), 'bare\ndb\n', 'anonymous ones went with their containers')

  const tmpfs = await sh(
    ['--tmpfs', '/t:size=1m,mode=700', '--mount', 'type=tmpfs,dst=/u,ro'],
    'grep " /[tu] " /proc/mounts; stat -c %a /t',
  )
  assert.match(tmpfs, / \/t tmpfs rw,nosuid,nodev,noexec.*size=1024k/)
  assert.match(tmpfs, / \/u tmpfs ro,/)
  assert.match(tmpfs, /^700$/m)

  const outside = await call([
    'run',
    '--rm',
    '--mount',
    'src=db,dst=/part,volume-subpath=../../..',
    'box',
    'ls',
    '/part',
  ])
  assert.deepEqual([outside.code, outside.stdout], [0, 'sub\n'], outside.stderr)
  const missing = await call(['run', '--rm', '--mount', 'src=db,dst=/part,volume-subpath=nothing', 'box', 'true'])
  assert.equal(missing.code, 125)
  assert.match(missing.stderr, /cannot mount "nothing"/)
  const twice = await call(['run', '--rm', '-v', 'a1:/x', '-v', 'b1:/x', 'box', 'true'])
  assert.deepEqual([twice.code, /Duplicate mount point: \/x/.test(twice.stderr)], [125, true])

  assert.equal(await ok('volume', 'rm', 'db', 'bare'), 'db\nbare\n')
  assert.deepEqual(readdirSync(join(root, 'volumes')), [])
  for (const name of ['tmp', 'trash']) assert.deepEqual(readdirSync(join(root, name)), [], name)
}

async function build(
  t: TestContext,
  call: (args: readonly string[], input: string) => Promise<Outcome>,
): Promise<void> {
  // A copy, for the cache's folder is closed to others.
  const folder = await tmp(t, 'rootfs')
  await cp(await busyboxRootfs(), folder, { recursive: true, verbatimSymlinks: true })
  await chmod(folder, 0o755)
  await chmod(join(folder, 'root'), 0o755)
  const built = await call(['build', '-q', '-t', 'box', '-f', '-', folder], DOCKERFILE)
  assert.equal(built.code, 0, built.stderr)
}

test('volumes, as root', TIMEOUT, async t => {
  const call = await shale(t)
  await build(t, (args, input) => call(args, { input }))
  await checkVolumes(call, call.root)
})

const user = ordinaryUser('shale-volumes', 760_000_000, BIN)

describe('volumes, as an ordinary user', { skip: typeof user === 'string' ? user : false }, () => {
  after(() => typeof user !== 'string' && user.remove())

  test('are the same', TIMEOUT, async t => {
    if (typeof user === 'string') return
    const home = await tmp(t, 'home')
    user.own(home)
    const root = join(home, 'store')
    const env = { PATH: process.env.PATH, HOME: home, SHALE_ROOT: root }
    const call = (args: readonly string[], input?: string) => {
      const [command, ...rest] = user.as([process.execPath, BIN, ...args])
      return run(command, rest, { env, cwd: home, input })
    }
    await build(t, call)
    await checkVolumes(args => call(args), root)
  })
})

test('several containers that begin a volume at once all see the same', TIMEOUT, async t => {
  const call = await shale(t)
  await build(t, (args, input) => call(args, { input }))
  const script =
    'ls /var/db/sub; echo $0 > /var/db/$0; i=0; while [ $(ls /var/db | wc -l) -lt 5 ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done; ls /var/db | wc -l'
  const runs = ['1', '2', '3', '4'].map(name =>
    call(['run', '--rm', '-v', 'shared:/var/db', 'box', 'sh', '-c', script, name]),
  )
  for (const { code, stdout, stderr } of await Promise.all(runs))
    assert.deepEqual([code, stdout], [0, 'f\n5\n'], stderr)
})

test('volume create, ls, inspect, rm and prune speak docker’s language', TIMEOUT, async t => {
  const call = await shale(t)
  const out = async (...args: readonly string[]) => (await call(args)).stdout
  assert.equal(await out('volume', 'create', '--label', 'project=shop', 'data'), 'data\n')
  assert.match(await out('volume', 'create'), /^[0-9a-f]{64}\n$/)
  await call(['volume', 'create', '-o', 'type=tmpfs', '-o', 'o=size=2m', 'mem'])
  assert.match(await out('volume', 'ls', '--filter', 'name=a'), /^DRIVER +VOLUME NAME\nlocal +\S+/)
  assert.equal(await out('volume', 'ls', '-q', '--filter', 'label=project=shop'), 'data\n')
  assert.equal(
    await out('volume', 'ls', '--filter', 'name=data', '--format', '{{.Name}} {{.Driver}} {{.Scope}} {{.Labels}}'),
    'data local local project=shop\n',
  )
  const [document] = JSON.parse(await out('volume', 'inspect', 'data'))
  const { CreatedAt, ...rest } = document
  assert.ok(!Number.isNaN(Date.parse(CreatedAt)))
  const Mountpoint = join(call.root, 'volumes/data/_data')
  assert.deepEqual(rest, {
    Driver: 'local',
    Labels: { project: 'shop' },
    Mountpoint,
    Name: 'data',
    Options: null,
    Scope: 'local',
  })
  assert.equal(await out('volume', 'inspect', '-f', '{{.Mountpoint}}', 'data'), `${Mountpoint}\n`)
  assert.match(await out('system', 'df'), /^Local Volumes +3 /m)

  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['volume inspect nothing', 1, /get nothing: no such volume/],
    ['volume rm nothing', 1, /get nothing: no such volume/],
    ['volume rm -f nothing', 0, /^$/],
    ['volume create a/b', 1, /includes invalid characters for a local volume name/],
    ['volume create -d nfs x', 1, /no volume driver "nfs"/],
    ['volume create -o type=nfs x', 1, /a volume of type "nfs" cannot be mounted/],
    ['volume ls --filter lable=x', 1, /Did you mean 'label'\?/],
  ]
  for (const [line, code, stderr] of cases) {
    const result = await call(line.split(' '))
    assert.match(result.stderr, stderr, line)
    assert.equal(result.code, code, line)
  }

  const dry = await out('volume', 'prune', '--dry-run')
  assert.match(dry, /^Would delete volumes:\n[0-9a-f]{64}\n\nTotal that would be reclaimed: /)
  assert.match(await out('volume', 'prune', '-f'), /^Deleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: /)
  assert.match(await out('volume', 'prune', '-af', '--filter', 'label!=project'), /^Deleted Volumes:\nmem\n/)
  assert.match(await out('volume', 'prune', '-af'), /^Deleted Volumes:\ndata\n/)
  assert.equal(await out('volume', 'ls', '-q'), '')
})
