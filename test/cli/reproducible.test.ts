import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { appendFile, chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../../scripts/bases/process.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { committed, git } from '../support/git.ts'
import { ordinaryUser } from '../support/ordinary-user.ts'
import { shale, tmp } from '../support/shale.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const TIMEOUT = { timeout: 60_000 }

/** Files of every mode, steps of every kind, and commands that say where they run. */
const DOCKERFILE = `FROM scratch AS tools
COPY bin /bin
COPY etc /etc
RUN mkdir -m 700 /made && echo made > /made/file && chown 33:44 /made/file && ln -s file /made/link
FROM tools
ARG SOURCE_DATE_EPOCH
RUN echo $SOURCE_DATE_EPOCH > /epoch; umask > /umask; hostname > /name; env | sort > /variables; id > /who
WORKDIR /work
COPY --chown=33:44 . .
COPY --from=tools /made /copied/
ADD archive.tar /unpacked/
RUN touch again && rm script
`

/** A repository whose commit is of a known time. */
async function repository(t: TestContext): Promise<string> {
  const folder = await fixtureTree(await tmp(t, 'repository'), {
    Dockerfile: DOCKERFILE,
    '.dockerignore': '.git\nbin\n*.log\n',
    'bin/sh': { content: readFileSync(join(await busyboxRootfs(), 'bin/busybox')), mode: 0o755 },
    'etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
    'data/deep/file': 'D',
    script: { content: '#!/bin/sh\n', mode: 0o755 },
  })
  await writeFile(join(folder, '.dockerignore'), '.git\n*.log\n')
  await run('tar', [
    '-C',
    folder,
    '--owner=1',
    '--group=2',
    '--mtime=@1000000000',
    '-cf',
    join(folder, 'archive.tar'),
    'data',
  ])
  await chmod(folder, 0o755)
  await committed(folder)
  return folder
}

async function checkout(t: TestContext, from: string, label: string, umask: string, owner?: string): Promise<string> {
  const folder = join(await tmp(t, label), 'checkout')
  const script = `umask ${umask} && git clone -q "$1" "$2" && cd "$2" && { [ -z "$3" ] || chown -R "$3" "$2/.."; }`
  const { code, stderr } = await run('sh', ['-c', script, 'sh', from, folder, owner ?? ''], {
    env: { PATH: process.env.PATH },
  })
  assert.equal(code, 0, stderr)
  return folder
}

test('another folder, umask, time zone and time give the same digest', TIMEOUT, async t => {
  const from = await repository(t)
  const ids: string[] = []
  for (const [umask, TZ] of [
    ['022', 'UTC'],
    ['077', 'Asia/Tokyo'],
  ] as const) {
    const folder = await checkout(t, from, `umask-${umask}`, umask)
    const { root } = await shale(t)
    const args = [
      '-c',
      `umask ${umask}; exec "$@"`,
      'sh',
      process.execPath,
      BIN,
      'build',
      '-q',
      '--reproducible',
      folder,
    ]
    const { code, stdout, stderr } = await run('sh', args, {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', SHALE_ROOT: root, TZ },
    })
    assert.equal(code, 0, stderr)
    ids.push(stdout)
  }
  assert.match(ids[0] as string, /^sha256:/)
  assert.equal(ids[1], ids[0])
})

test('every time of the image is the commit’s', async t => {
  const from = await repository(t)
  const call = await shale(t)
  await call(['build', '-q', '--reproducible', '-t', 'app', from])
  const time = Number(await git(from, 'log', '-1', '--format=%ct'))
  const { stdout } = await call(['inspect', '-f', '{{.Created}}', 'app'])
  assert.equal(Date.parse(stdout.trim()) / 1000, time)
})

test('what is not in the commit is warned of, unless the context leaves it out', async t => {
  const from = await repository(t)
  const call = await shale(t)
  await writeFile(join(from, 'notes.log'), 'left out')
  const same = await call(['build', '--reproducible', from])
  assert.equal(same.code, 0, same.stderr)
  assert.doesNotMatch(same.stderr, /differs from commit/)
  await appendFile(join(from, 'data/deep/file'), 'changed')
  await writeFile(join(from, 'new'), '')
  const other = await call(['build', '--reproducible', from])
  assert.match(other.stderr, /Warning: the context differs from commit [0-9a-f]{12}, .*: data\/deep\/file and 1 more/)
})

test('--context-modes git: permissions that git does not keep are no change', async t => {
  const folder = await fixtureTree(await tmp(t), {
    Dockerfile: 'FROM scratch\nCOPY src /src\n',
    'src/': { mode: 0o700 },
    'src/plain': { content: 'p', mode: 0o666 },
    'src/run': { content: 'r', mode: 0o4700 },
  })
  const call = await shale(t)
  const build = (...args: readonly string[]) => call(['build', '--progress', 'plain', ...args, folder])
  await build('--context-modes', 'git')
  await chmod(join(folder, 'src'), 0o755)
  await chmod(join(folder, 'src/plain'), 0o600)
  await chmod(join(folder, 'src/run'), 0o755)
  assert.match((await build('--context-modes', 'git')).stderr, /every step came from the cache/)
  assert.match((await build()).stderr, /COPY src \/src: src\/plain changed \(mode 0644 became 0600\)/)
  await chmod(join(folder, 'src/plain'), 0o700)
  assert.match((await build('--context-modes', 'git')).stderr, /src\/plain changed \(mode 0600 became 0755\)/)
})

test('without a commit there is no time: SOURCE_DATE_EPOCH gives one', async t => {
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY f /\n', f: '' })
  const call = await shale(t)
  const { code, stderr } = await call(['build', '--reproducible', folder])
  assert.equal(code, 1)
  assert.match(stderr, /takes its time from the commit of its context, and \S+ has none\nhint: .*SOURCE_DATE_EPOCH/)
  const given = await call(['build', '-q', '--reproducible', folder], { env: { SOURCE_DATE_EPOCH: '1700000000' } })
  assert.match(given.stdout, /^sha256:/, given.stderr)
})

const user = ordinaryUser('shale-repeater', 714_000_000, BIN)

describe('root and an ordinary user', { skip: typeof user === 'string' ? user : false }, () => {
  if (typeof user === 'string') return
  after(() => user.remove())

  test('build the same image from their checkouts', TIMEOUT, async t => {
    const from = await repository(t)
    const call = await shale(t)
    const mine = await checkout(t, from, 'root', '022')
    const theirs = await checkout(t, from, 'user', '027', 'shale-repeater:')
    const home = await tmp(t, 'home')
    user.own(home)
    const [command, ...args] = user.as(['sh', '-c', 'umask 077; exec "$@"', 'sh', process.execPath, BIN])
    const env = { PATH: process.env.PATH, HOME: home, SHALE_ROOT: join(home, 'store'), TZ: 'America/Lima' }
    const [byRoot, byUser] = await Promise.all([
      call(['build', '-q', '--reproducible', mine]),
      run(command, [...args, 'build', '-q', '--reproducible', theirs], { env, cwd: home }),
    ])
    assert.match(byRoot.stdout, /^sha256:/, byRoot.stderr)
    assert.equal(byUser.stdout, byRoot.stdout, byUser.stderr)
    await run(command, [...args, 'system', 'prune', '-af'], { env, cwd: home })
  })
})
