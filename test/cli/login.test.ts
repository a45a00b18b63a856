import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type FakeRegistry, fakeRegistry, listen, sendError } from '../../src/registry/client/testing.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'
import { atTerminal } from '../support/terminal.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const BASIC = `Basic ${Buffer.from('ann:right').toString('base64')}`
const CLI_WARNING = 'WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n'

interface Setting {
  readonly call: Shale
  readonly registry: FakeRegistry
  /** `config.json` of these calls, which is not there yet. */
  readonly file: string
}

/** A registry that wants `ann:right`, and a folder for docker's configuration. */
async function setting(t: TestContext, challenge = 'Basic realm="test"'): Promise<Setting> {
  const folder = join(await tmp(t, 'docker'), 'config')
  const call = await shale(t, { env: { DOCKER_CONFIG: folder } })
  const registry = await fakeRegistry(t)
  registry.intercept = (request, response) => {
    if (request.headers.authorization === BASIC) return false
    response.setHeader('www-authenticate', challenge)
    return sendError(response, 401, 'UNAUTHORIZED')
  }
  return { call, registry, file: join(folder, 'config.json') }
}

function unencrypted(file: string): string {
  return (
    `WARNING! Your password will be stored unencrypted in ${file}.\n` +
    'Configure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n'
  )
}

function stored(file: string) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

function put(file: string, text: string): void {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text)
}

test('a password from the standard input is verified, kept for its owner alone, and forgotten by logout', async t => {
  const { call, registry, file } = await setting(t)
  const login = ['login', '-u', 'ann', '--password-stdin', registry.host]
  const done = await call(login, { input: 'right\n' })
  assert.deepEqual(done, { code: 0, stdout: 'Login Succeeded\n', stderr: unencrypted(file) })
  assert.equal(
    readFileSync(file, 'utf8'),
    `{\n\t"auths": {\n\t\t"${registry.host}": {\n\t\t\t"auth": "YW5uOnJpZ2h0"\n\t\t}\n\t}\n}\n`,
  )
  assert.equal(statSync(file).mode & 0o777, 0o600)

  const again = await call(['login', registry.host])
  assert.deepEqual([again.code, again.stdout], [0, 'Authenticating with existing credentials...\nLogin Succeeded\n'])

  const out = await call(['logout', registry.host])
  assert.deepEqual(out, { code: 0, stdout: `Removing login credentials for ${registry.host}\n`, stderr: '' })
  assert.deepEqual(stored(file), { auths: {} })
  assert.equal((await call(['logout', registry.host])).stdout, `Not logged in to ${registry.host}\n`)
})

test('a wrong password is refused, keeps what was kept and is shown nowhere', async t => {
  const { call, registry, file } = await setting(t)
  await call(['login', '-u', 'ann', '--password-stdin', registry.host], { input: 'right' })
  const before = readFileSync(file, 'utf8')
  const { code, stdout, stderr } = await call(['--debug', 'login', '-u', 'ann', '-p', 'wr0ng', registry.host])
  assert.deepEqual([code, stdout], [1, ''])
  assert.ok(
    stderr.startsWith(
      `${CLI_WARNING}ERROR: login attempt to http://${registry.host}/v2/ failed with status: 401 Unauthorized\nhint: `,
    ),
    stderr,
  )
  assert.doesNotMatch(stderr, /wr0ng/)
  assert.equal(readFileSync(file, 'utf8'), before)
})

const USAGE: readonly (readonly [args: readonly string[], stderr: string])[] = [
  [['--password-stdin'], 'ERROR: Must provide --username with --password-stdin\n'],
  [
    ['-u', 'ann', '-p', 'x', '--password-stdin'],
    `${CLI_WARNING}ERROR: --password and --password-stdin are mutually exclusive\n`,
  ],
  [['-u', 'ann', 'localhost:1'], 'ERROR: Cannot perform an interactive login from a non TTY device\n'],
  [['a', 'b'], '"shale login" requires at most 1 argument.\n'],
  [['-u', 'ann', '-p', 'x', 'no host'], `${CLI_WARNING}ERROR: "no host" is no registry's name\n`],
]

for (const [args, expected] of USAGE) {
  test(`login ${args.join(' ')}: ${expected.trim().split('\n').at(-1)}`, async t => {
    const { call, file } = await setting(t)
    const { code, stderr } = await call(['login', ...args])
    // The registry's name is looked at first.
    assert.deepEqual(
      [code, stderr.replace(CLI_WARNING, '').startsWith(expected.replace(CLI_WARNING, ''))],
      [1, true],
      stderr,
    )
    assert.ok(!existsSync(file))
  })
}

test('fields that we do not know, their order, the indentation and a symbolic link stay', async t => {
  const { call, registry, file } = await setting(t)
  const real = join(await tmp(t), 'real.json')
  const head =
    '{\n  "psFormat": "table {{.ID}}",\n  "auths": {\n    "other.example.com": {\n      "auth": "eA=="\n    }'
  const tail = '\n  },\n  "HttpHeaders": {\n    "X": "y"\n  }\n}\n'
  writeFileSync(real, head + tail)
  put(file, '')
  const { unlinkSync } = await import('node:fs')
  unlinkSync(file)
  symlinkSync(real, file)
  await call(['login', '-u', 'ann', '--password-stdin', registry.host], { input: 'right' })
  assert.equal(
    readFileSync(real, 'utf8'),
    `${head},\n    "${registry.host}": {\n      "auth": "YW5uOnJpZ2h0"\n    }${tail}`,
  )
  assert.ok(lstatSync(file).isSymbolicLink())
  await call(['logout', registry.host])
  assert.equal(readFileSync(real, 'utf8'), head + tail)
})

test('a malformed configuration is named and left as it is', async t => {
  const { call, registry, file } = await setting(t)
  put(file, '{"auths": {"x": {"auth": "c2VjcmV0"')
  const { code, stderr } = await call(['login', '-u', 'ann', '--password-stdin', registry.host], { input: 'right' })
  assert.equal(code, 1)
  assert.match(stderr, /^ERROR: cannot read .*config\.json: it is malformed\nhint: /)
  assert.doesNotMatch(stderr, /c2VjcmV0/)
  assert.equal(readFileSync(file, 'utf8'), '{"auths": {"x": {"auth": "c2VjcmV0"')
})

test('a credential helper gets the password through a pipe; the file only the registry’s name', async t => {
  const { call, registry, file } = await setting(t)
  const folder = await tmp(t, 'helper')
  const helper = join(folder, 'docker-credential-note')
  writeFileSync(
    helper,
    `#!/bin/sh\nprintf '%s\\n' "$*" >> ${folder}/verbs\ncase $1 in\nstore) cat > ${folder}/kept;;\nget) [ -e ${folder}/kept ] && cat ${folder}/kept || { echo credentials not found; exit 1; };;\nerase) rm ${folder}/kept;;\nesac\n`,
  )
  chmodSync(helper, 0o755)
  const env = { PATH: `${folder}:${process.env.PATH}` }
  put(file, JSON.stringify({ credHelpers: { [registry.host]: 'note' }, credsStore: 'absent' }))
  const done = await call(['login', '-u', 'ann', '--password-stdin', registry.host], { input: 'right', env })
  assert.deepEqual(done, { code: 0, stdout: 'Login Succeeded\n', stderr: '' })
  assert.deepEqual(stored(join(folder, 'kept')), { ServerURL: registry.host, Username: 'ann', Secret: 'right' })
  assert.deepEqual(stored(file).auths, { [registry.host]: {} })
  assert.match((await call(['login', registry.host], { env })).stdout, /existing credentials...\nLogin Succeeded/)
  await call(['logout', registry.host], { env })
  assert.ok(!existsSync(join(folder, 'kept')))
  assert.deepEqual(
    new Set(readFileSync(join(folder, 'verbs'), 'utf8').trim().split('\n')),
    new Set(['store', 'get', 'erase']),
  )
})

test('a token server is asked; its refresh token is kept instead of the password', async t => {
  const asked: URL[] = []
  const realm = await listen(t, (request, response) => {
    asked.push(new URL(request.url ?? '', 'http://token'))
    if (request.headers.authorization !== BASIC) return sendError(response, 401, 'UNAUTHORIZED')
    response.end(JSON.stringify({ access_token: 'good', refresh_token: 'refresh' }))
  })
  const { call, registry, file } = await setting(t)
  registry.intercept = (request, response) => {
    if (request.headers.authorization === 'Bearer good') return false
    response.setHeader('www-authenticate', `Bearer realm="http://${realm}/token",service="svc"`)
    return sendError(response, 401, 'UNAUTHORIZED')
  }
  const wrong = await call(['login', '-u', 'ann', '--password-stdin', registry.host], { input: 'wrong' })
  assert.match(wrong.stderr, /failed with status: 401 Unauthorized/)
  const right = await call(['login', '-u', 'ann', '--password-stdin', registry.host], { input: 'right' })
  assert.deepEqual(right, { code: 0, stdout: 'Login Succeeded\n', stderr: '' })
  assert.deepEqual(stored(file).auths, {
    [registry.host]: { auth: Buffer.from('ann:').toString('base64'), identitytoken: 'refresh' },
  })
  assert.equal(asked.at(-1)?.search, '?service=svc&account=ann&client_id=shale&offline_token=true')
})

test('a registry that lets everybody in still tells a wrong password from a right one', async t => {
  const { call, registry } = await setting(t)
  registry.intercept = (request, response) => {
    const given = request.headers.authorization
    return given !== undefined && given !== BASIC && sendError(response, 401, 'UNAUTHORIZED')
  }
  const login = ['login', '-u', 'ann', '--password-stdin', registry.host]
  assert.equal((await call(login, { input: 'wrong' })).code, 1)
  assert.equal((await call(login, { input: 'right' })).code, 0)
})

test('on a terminal the password is asked for and not shown', async t => {
  const { registry, file } = await setting(t)
  const seat = atTerminal([process.execPath, BIN, 'login', registry.host], {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    DOCKER_CONFIG: join(file, '..'),
  })
  t.after(() => seat.close())
  await seat.shows(/Username: $/)
  seat.type('amn\x7f\x7fnn\r')
  await seat.shows(/Password: $/)
  seat.type('wrong\x7f\x7f\x7f\x7f\x7fright\r')
  assert.equal(await seat.ended, 0, seat.screen())
  assert.match(seat.screen(), /Login Succeeded/)
  assert.doesNotMatch(seat.screen(), /right|wrong/)
  assert.equal(stored(file).auths[registry.host].auth, 'YW5uOnJpZ2h0')
})

test('Ctrl-C at the question ends it, and the terminal is as it was', async t => {
  const { registry, file } = await setting(t)
  const seat = atTerminal([process.execPath, BIN, 'login', '-u', 'ann', registry.host], {
    PATH: process.env.PATH,
    DOCKER_CONFIG: join(file, '..'),
  })
  t.after(() => seat.close())
  await seat.shows(/Password: $/)
  seat.type('ri\x03')
  assert.equal(await seat.ended, 130)
  assert.ok(seat.isCooked())
  assert.ok(!existsSync(file))
})
