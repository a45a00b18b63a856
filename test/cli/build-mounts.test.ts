import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Outcome, run } from '../../scripts/bases/process.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { ordinaryUser } from '../support/ordinary-user.ts'
import { shale, tmp } from '../support/shale.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const SECRET = 'Zt4-command-line-secret-8812'

type Call = (args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Outcome>

async function project(t: TestContext): Promise<string> {
  const folder = await fixtureTree(await tmp(t, 'project'), {
    'bin/sh': { content: readFileSync(join(await busyboxRootfs(), 'bin/busybox')), mode: 0o755 },
    'src/a.txt': 'A',
    'base.Dockerfile':
      'FROM scratch\nCOPY bin /bin\nRUN ["/bin/sh", "-c", "exec -a busybox /bin/sh --install -s /bin"]\n',
    Dockerfile: `FROM base
RUN --mount=type=cache,target=/var/cache/x,uid=7 id -u && date >> /var/cache/x/log && chown 3:4 /var/cache/x/log
RUN --mount=source=src,target=/in,rw cat /in/a.txt && echo B > /in/b.txt
RUN --mount=from=base,target=/other,rw rm -r /other/bin && ls /other
RUN --mount=type=secret,id=token,uid=5 --mount=type=secret,id=var,env=VAR \\
  [ "$(cat /run/secrets/token)" = "$VAR" ] && stat -c %u /run/secrets/token
`,
  })
  chmodSync(folder, 0o755)
  return folder
}

function countMounts(): number {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length
}

/** What every user must see: caches that last, secrets that do not, nothing left behind. */
async function checkMounts(t: TestContext, call: Call, root: string): Promise<void> {
  const folder = await project(t)
  const mounts = countMounts()
  const base = await call(['build', '-q', '-t', 'base', '-f', join(folder, 'base.Dockerfile'), folder])
  assert.equal(base.code, 0, base.stderr)
  const words = [
    'build',
    '-t',
    'app',
    '--secret',
    'id=token,env=TOKEN',
    '--secret',
    'id=var,type=env,src=TOKEN',
    folder,
  ]
  const built = await call(words, { TOKEN: SECRET })
  assert.equal(built.code, 0, built.stderr)
  const again = await call([...words, '--no-cache-filter', 'none'], { TOKEN: 'other' })
  assert.match(again.stderr, /cached/i)

  const du = await call([
    'builder',
    'du',
    '--filter',
    'type=exec.cachemount',
    '--format',
    '{{.Type}} {{.Description}} {{.InUse}}',
  ])
  assert.equal(du.stdout, 'exec.cachemount cached mount /var/cache/x with id "/var/cache/x" false\n', du.stderr)
  const df = await call(['system', 'df', '--format', '{{.Type}} {{.TotalCount}}'])
  assert.match(df.stdout, /^Build Cache 9$/m)
  const dry = await call(['builder', 'prune', '--dry-run', '--filter', 'type=exec.cachemount'])
  assert.match(dry.stdout, /^\w{12}\s+cached mount \/var\/cache\/x/m)
  const pruned = await call(['builder', 'prune', '-f', '--filter', 'type=exec.cachemount'])
  assert.match(pruned.stdout, /cached mount \/var\/cache\/x[\s\S]*Total reclaimed space: [1-9]/)
  assert.deepEqual(readdirSync(join(root, 'caches')), [])
  for (const name of ['tmp', 'trash']) assert.deepEqual(readdirSync(join(root, name)), [], name)
  assert.equal(countMounts(), mounts)
  for (const file of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    assert.ok(!readFileSync(join(file.parentPath, file.name)).includes(SECRET), file.name)
  }
}

test('mounts of RUN, as root', { timeout: 60_000 }, async t => {
  const call = await shale(t)
  await checkMounts(t, (args, env) => call(args, { env }), call.root)
})

const user = ordinaryUser('shale-mounts', 750_000_000, BIN)

describe('mounts of RUN, as an ordinary user', { skip: typeof user === 'string' ? user : false }, () => {
  after(() => typeof user !== 'string' && user.remove())

  test('are the same', { timeout: 60_000 }, async t => {
    if (typeof user === 'string') return
    const home = await tmp(t, 'home')
    user.own(home)
    const root = join(home, 'store')
    const call: Call = (args, env) => {
      const [command, ...rest] = user.as([process.execPath, BIN, ...args])
      return run(command, rest, { env: { PATH: process.env.PATH, HOME: home, SHALE_ROOT: root, ...env }, cwd: home })
    }
    await checkMounts(t, call, root)
  })
})

test('mistakes in --secret, --ssh and --allow are told before anything runs', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\n', key: 'no key' })
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--secret', 'src=a'], /invalid secret "src=a": it has no id\nhint: write --secret id=mykey,src=FILE/],
    [['--secret', 'id=a,scr=b'], /unexpected key "scr"\nhint: did you mean src\?/],
    [['--secret', 'id=a,src=/nonexistent/file'], /there is no file \/nonexistent\/file/],
    [['--secret', 'id=a,env=UNSET_VARIABLE'], /the variable UNSET_VARIABLE is not set/],
    [['--secret', 'id=a,type=magic'], /type magic is unknown/],
    [['--ssh', 'default'], /SSH_AUTH_SOCK is not set\nhint: start an agent/],
    [['--ssh', 'a=/nonexistent/socket'], /cannot find \/nonexistent\/socket/],
    [['--allow', 'security.insecur'], /unknown entitlement "security.insecur"\nhint: did you mean security.insecure\?/],
  ]
  for (const [words, stderr] of cases) {
    const result = await call(['build', ...words, folder], { env: { SSH_AUTH_SOCK: '' } })
    assert.match(result.stderr, stderr, words.join(' '))
    assert.equal(result.code, 1)
  }
})

test('a key file is loaded into an agent of its own', async t => {
  const call = await shale(t)
  const folder = await fixtureTree(await tmp(t), {
    Dockerfile: 'FROM scratch\n',
    broken: { content: 'none', mode: 0o600 },
  })
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
  const built = await call(['build', '--ssh', `default=${join(folder, 'key')}`, folder])
  assert.equal(built.code, 0, built.stderr)
  const broken = await call(['build', '--ssh', `default=${join(folder, 'broken')}`, folder])
  assert.equal(broken.code, 1)
  assert.match(broken.stderr, /cannot load .*broken: /)
})
