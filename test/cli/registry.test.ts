import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FakeRegistry, fakeRegistry, sendError } from '../../src/registry/client/testing.ts'
import { fixtureTree } from '../support/fixture.ts'
import { freePort } from '../support/port.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'

const DIGEST = /sha256:[0-9a-f]{64}/
const LOGIN = { user: 'ann', password: 'right' }

interface Setting {
  readonly call: Shale
  readonly registry: FakeRegistry
  /** An image of one layer, with this name in the registry; not pushed yet. */
  readonly name: string
}

async function setting(t: TestContext): Promise<Setting> {
  const [call, registry] = await Promise.all([shale(t), fakeRegistry(t)])
  const context = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY f /f', f: 'content' })
  const name = `${registry.host}/team/app:1`
  await succeed(call, ['build', '-q', '-t', name, context])
  return { call, registry, name }
}

async function succeed(call: Shale, args: readonly string[], options = {}): Promise<string> {
  const { code, stdout, stderr } = await call(args, options)
  assert.deepEqual([code, stderr], [0, ''], args.join(' '))
  return stdout
}

/** Everything that a failed command prints. */
async function refusal(call: Shale, args: readonly string[], options = {}): Promise<string> {
  const { code, stderr } = await call(args, options)
  assert.equal(code, 1, stderr)
  return stderr
}

/** The text with digests, and the short forms in front of progress, out of the way. */
function plain(text: string): string {
  return text.replace(new RegExp(DIGEST, 'g'), 'DIGEST').replace(/^[0-9a-f]{12}:/gm, 'LAYER:')
}

function digestIn(text: string): string {
  return DIGEST.exec(text)?.[0] ?? assert.fail(`no digest: ${text}`)
}

test('push and pull print what docker prints, a line for each state of a layer', async t => {
  const { call, registry, name } = await setting(t)
  const pushed = await succeed(call, ['push', name])
  assert.match(
    plain(pushed),
    new RegExp(
      `^The push refers to repository \\[${registry.host}/team/app\\]\n` +
        'LAYER: Preparing\n(LAYER: Pushed\n)1: digest: DIGEST size: [0-9]+\n$',
    ),
  )
  assert.match(plain(await succeed(call, ['push', name])), /\nLAYER: Layer already exists\n1: digest: DIGEST size/)

  const other = await shale(t)
  const pulled = await succeed(other, ['pull', name])
  assert.equal(
    plain(pulled),
    `1: Pulling from team/app\nLAYER: Pulling fs layer\nLAYER: Pull complete\n` +
      `Digest: DIGEST\nStatus: Downloaded newer image for ${name}\n${name}\n`,
  )
  assert.equal(digestIn(pulled.slice(pulled.indexOf('Digest:'))), digestIn(pushed.slice(pushed.indexOf('digest:'))))
  const again = await succeed(other, ['pull', name])
  assert.match(plain(again), new RegExp(`\nDigest: DIGEST\nStatus: Image is up to date for ${name}\n${name}\n$`))
})

test('-q prints the name alone', async t => {
  const { call, name } = await setting(t)
  assert.equal(await succeed(call, ['push', '-q', name]), `${name}\n`)
  assert.equal(await succeed(await shale(t), ['pull', '-q', name]), `${name}\n`)
})

test('a pull by digest gives just that image', async t => {
  const { call, name, registry } = await setting(t)
  const pushed = await succeed(call, ['push', name])
  const digest = digestIn(pushed.slice(pushed.indexOf('digest:')))
  const byDigest = `${registry.host}/team/app@${digest}`
  const other = await shale(t)
  const pulled = await succeed(other, ['pull', byDigest])
  assert.ok(pulled.startsWith(`${digest}: Pulling from team/app\n`), pulled)
  assert.ok(pulled.endsWith(`Status: Downloaded newer image for ${byDigest}\n${byDigest}\n`), pulled)
  assert.equal((await succeed(other, ['inspect', '-f', '{{.Id}}', byDigest])).trim(), digest)
  const missing = `${registry.host}/team/app@sha256:${'0'.repeat(64)}`
  assert.match(await refusal(other, ['pull', missing]), /^ERROR: cannot pull .*0000.*HTTP 404/)
})

test('several names are pushed in one go, and -a takes every tag of a repository, both ways', async t => {
  const { call, name, registry } = await setting(t)
  const repository = `${registry.host}/team/app`
  for (const tag of ['2', '3']) await succeed(call, ['tag', name, `${repository}:${tag}`])
  const pushed = await succeed(call, ['push', name, `${repository}:2`])
  assert.equal(pushed.match(/^The push refers to repository/gm)?.length, 2)
  assert.deepEqual(pushed.match(/^\w+: digest/gm), ['1: digest', '2: digest'])
  assert.equal(await succeed(call, ['push', '-q', '-a', repository]), `${name}\n${repository}:2\n${repository}:3\n`)
  const other = await shale(t)
  const pulled = await succeed(other, ['pull', '-a', repository])
  assert.deepEqual(
    pulled.match(/^\w+: Pulling from team\/app$/gm),
    ['1', '2', '3'].map(tag => `${tag}: Pulling from team/app`),
  )
  const all = await succeed(other, ['images', '--format', '{{.Tag}}'])
  assert.deepEqual(all.trim().split('\n').toSorted(), ['1', '2', '3'])
  for (const verb of ['push', 'pull']) {
    assert.match(await refusal(call, [verb, '-a', name]), /^ERROR: tag can't be used with --all-tags\/-a\nhint: /)
  }
  assert.match(await refusal(call, ['push', '-a', `${repository}/none`]), /^ERROR: an image does not exist locally/)
})

test('no tag means latest, and it says so', async t => {
  const { call, name, registry } = await setting(t)
  const untagged = `${registry.host}/team/app`
  await succeed(call, ['tag', name, untagged])
  await succeed(call, ['push', untagged])
  const pulled = await succeed(await shale(t), ['pull', untagged])
  assert.ok(pulled.startsWith('Using default tag: latest\nlatest: Pulling from team/app\n'), pulled)
})

test('a registry without the repository, and one that nobody serves', async t => {
  const { call, registry, name } = await setting(t)
  const unknown = `${registry.host}/nobody/nothing:1`
  assert.match(await refusal(call, ['pull', unknown]), new RegExp(`^ERROR: cannot pull ${unknown}: HTTP 404 .*UNKNOWN`))
  const closed = `127.0.0.1:${await freePort()}`
  await succeed(call, ['tag', name, `${closed}/app:1`])
  for (const verb of ['pull', 'push']) {
    const stderr = await refusal(call, [verb, `${closed}/app:1`])
    assert.match(stderr, new RegExp(`^ERROR: cannot reach https?://${closed}: connection refused\nhint: `))
  }
})

test('push of a name that no image has asks no registry', async t => {
  const { call, registry } = await setting(t)
  const missing = `${registry.host}/team/ap:1`
  assert.equal(
    await refusal(call, ['push', missing]),
    `ERROR: an image does not exist locally with the tag: ${missing}\n` +
      `hint: give it that name first: shale tag IMAGE ${missing}\n`,
  )
  assert.equal(registry.requests.length, 0)
})

test('credentials: none, wrong and right', async t => {
  const { call, registry, name } = await setting(t)
  const right = basic(LOGIN)
  registry.intercept = (request, response) => {
    if (request.headers.authorization === right) return false
    response.setHeader('www-authenticate', 'Basic realm="test"')
    return sendError(response, 401, 'UNAUTHORIZED')
  }
  const folder = await tmp(t)
  for (const [label, login] of [
    ['none', undefined],
    ['wrong', { ...LOGIN, password: 'wr0ng' }],
  ] as const) {
    const env = { DOCKER_CONFIG: dockerConfig(join(folder, label), registry.host, login) }
    for (const verb of ['push', 'pull']) {
      const stderr = await refusal(call, [verb, name], { env })
      assert.match(stderr, new RegExp(`^ERROR: .*${registry.host}/team/app.*HTTP 401.*\nhint: .*login`), label)
      assert.doesNotMatch(stderr, /wr0ng/)
    }
  }
  const env = { DOCKER_CONFIG: dockerConfig(join(folder, 'right'), registry.host, LOGIN) }
  await succeed(call, ['push', name], { env })
  await succeed(await shale(t), ['pull', name], { env })
})

type Login = typeof LOGIN

function basic({ user, password }: Login): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

function dockerConfig(folder: string, host: string, login: Login | undefined): string {
  mkdirSync(folder)
  const auths = login === undefined ? {} : { [host]: { auth: basic(login).slice('Basic '.length) } }
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths }))
  return folder
}

test('no name, two names and a name that cannot be', async t => {
  const call = await shale(t)
  for (const names of [[], ['one', 'two']]) {
    assert.match(await refusal(call, ['pull', ...names]), /^"shale pull" requires exactly 1 argument/)
  }
  assert.match(await refusal(call, ['push']), /^"shale push" requires at least 1 argument/)
  for (const verb of ['pull', 'push']) {
    assert.match(await refusal(call, [verb, 'team/UPPER']), /^ERROR: .*team\/UPPER/)
  }
})

test('push --compression prints the digest that the registry has and the one that the image has here', async t => {
  const { call, registry, name } = await setting(t)
  const id = (await succeed(call, ['inspect', '-f', '{{.Id}}', name])).trim()
  const pushed = await succeed(call, ['push', '--compression', 'gzip', name])
  const [, digest] =
    /\n1: digest: (sha256:[0-9a-f]{64}) size: \d+\n1: recompressed from (?:sha256:[0-9a-f]{64})\n$/.exec(pushed) ?? []
  assert.ok(pushed.endsWith(`1: recompressed from ${id}\n`), pushed)
  assert.ok(registry.manifests.has(`team/app@${digest}`), pushed)
  assert.equal((await succeed(call, ['images', '-aq'])).trim().split('\n').length, 1)
  const repository = name.slice(0, name.lastIndexOf(':'))
  for (const text of [digest ?? '', digest?.slice(7, 19) ?? '', `${repository}@${digest}`]) {
    const facts = JSON.parse(await succeed(call, ['whatis', '--format', 'json', text]))
    assert.deepEqual([facts.Id, facts.Place], [id, 'store'], text)
    assert.deepEqual(facts.Variants, [{ Digest: digest, Compression: 'gzip' }])
    assert.deepEqual(facts.Moves.map(({ Why, To }: Record<string, string>) => [Why, To])[0], ['push', digest])
  }
  const told = await succeed(call, ['whatis', digest ?? ''])
  assert.match(told, /\ngzip: +sha256:\w+ \(pushed with gzip layers: this one was asked for\)\n/)
  assert.equal((await call(['push', '--compression', 'lz4', name])).code, 125)
})
