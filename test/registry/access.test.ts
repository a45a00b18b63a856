import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { hashSync } from 'bcryptjs'
import { parseHtpasswd } from '../../src/registry/server/access/htpasswd.ts'
import type { Rule } from '../../src/registry/server/access/rules.ts'
import { Throttle } from '../../src/registry/server/access/throttle.ts'
import type { ServerSettings } from '../../src/registry/server/config/settings.ts'
import { type Answer, codeOf, jsonOf, type Send, testServer } from '../../src/registry/server/testing-server.ts'
import { tmp } from '../support/shale.ts'

const PASSWORDS: Readonly<Record<string, string>> = { ann: 'p:ss wörd', bob: 'b' }
const COST = 4

async function htpasswd(t: TestContext): Promise<string> {
  const file = join(await tmp(t), 'users')
  const lines = Object.entries(PASSWORDS).map(([user, password]) => `${user}:${hashSync(password, COST)}`)
  writeFileSync(file, `# who may\n\n${lines.join('\n')}\n`)
  return file
}

/** `send` as somebody; undefined is nobody. */
function as(send: Send, user: string | undefined, password = user && PASSWORDS[user]): Send {
  if (user === undefined) return send
  const Authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return (method, path, sent) => send(method, path, { ...sent, headers: { Authorization, ...sent?.headers } })
}

async function server(t: TestContext, settings: Partial<ServerSettings> = {}) {
  return await testServer(t, { users: await htpasswd(t), ...settings })
}

type Request = readonly [method: string, path: string]

const PUSH: Request = ['POST', '/v2/team/app/blobs/uploads/']
const PULL: Request = ['GET', '/v2/team/app/tags/list']
const DELETE: Request = ['DELETE', '/v2/team/app/manifests/x']

/** Refused or not: what comes after that is not access's. */
function allowed({ status }: Answer): boolean {
  return status !== 401 && status !== 403
}

describe('with users', () => {
  test('who has not signed in is asked to, and who has may do everything', async t => {
    const { send } = await server(t)
    const others = ['/v2/', '/v2/_catalog', '/metrics'].map((path): Request => ['GET', path])
    for (const request of [PUSH, PULL, DELETE, ...others]) {
      const refused = await send(...request)
      assert.deepEqual([refused.status, codeOf(refused)], [401, 'UNAUTHORIZED'], request.join(' '))
      assert.match(refused.headers['www-authenticate'] ?? '', /^Basic realm=/)
      assert.ok(allowed(await as(send, 'ann')(...request)), request.join(' '))
    }
    assert.equal((await send('GET', '/healthz')).status, 200)
  })

  test('wrong passwords, unknown users and other schemes are refused', async t => {
    const { send, log } = await server(t)
    for (const [user, password] of [
      ['ann', 'wrong'],
      ['ann', ''],
      ['eve', 'p:ss wörd'],
      ['', ''],
    ] as const) {
      assert.equal((await as(send, user, password)('GET', '/v2/')).status, 401, `${user}:${password}`)
    }
    for (const Authorization of ['Bearer abc', 'Basic !', 'Basic', `Basic ${btoa('nocolon')}`]) {
      assert.equal((await send('GET', '/v2/', { headers: { Authorization } })).status, 401, Authorization)
    }
    assert.match(log(), /"sign-in failed","user":"eve"/)
    assert.doesNotMatch(log(), /wrong|w\u00f6rd/)
  })

  test('everybody may pull when that is set; docker login is still asked for a password', async t => {
    const { send } = await server(t, { anonymous: 'pull' })
    assert.ok(allowed(await send(...PULL)))
    assert.equal((await send(...PUSH)).status, 401)
    assert.equal((await send('GET', '/v2/')).status, 401)
    assert.ok(allowed(await as(send, 'bob')(...PUSH)))
  })

  test('repeated failures are slowed down, and do not lock others out', async t => {
    const { send } = await server(t)
    const statuses: number[] = []
    for (let time = 0; time < 6; time++) statuses.push((await as(send, 'ann', 'wrong')('GET', '/v2/')).status)
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429])
    const answer = await as(send, 'ann')('GET', '/v2/')
    assert.deepEqual([answer.status, codeOf(answer), answer.headers['retry-after']], [429, 'TOOMANYREQUESTS', '1'])
    assert.equal((await as(send, 'bob')('GET', '/v2/')).status, 200)
  })

  test('changed users are read anew; a file that became unusable is not', async t => {
    const users = await htpasswd(t)
    const { watchFiles } = await import('../../src/registry/server/config/watched-file.ts')
    const seen: string[] = []
    const failures: unknown[] = []
    const watched = watchFiles(
      [users],
      ([content]) => {
        parseHtpasswd(users, String(content))
        seen.push(String(content).split(':')[0] ?? '')
      },
      error => failures.push(error),
    )
    t.after(() => watched.stop())
    writeFileSync(users, `cid:${hashSync('c', COST)}\n`)
    watched.check()
    writeFileSync(users, 'nonsense')
    watched.check()
    watched.check()
    assert.deepEqual([seen.length, seen[1], failures.length], [2, 'cid', 1])
  })
})

describe('rules', () => {
  const rules: readonly Rule[] = [
    { repositories: ['team/**'], users: ['ann'], actions: ['pull', 'push', 'delete'] },
    { repositories: ['team/*'], users: ['*'], actions: ['pull'] },
    { repositories: ['public/**'], users: ['anonymous', '*'], actions: ['pull'] },
  ]
  const CASES: readonly (readonly [user: string | undefined, action: string, repository: string, status: number])[] = [
    ['ann', 'push', 'team/app', 202],
    ['ann', 'push', 'team/deep/app', 202],
    ['ann', 'push', 'other', 403],
    ['bob', 'pull', 'team/app', 404],
    ['bob', 'pull', 'team/deep/app', 403],
    ['bob', 'push', 'team/app', 403],
    ['bob', 'delete', 'team/app', 403],
    ['bob', 'pull', 'public/x', 404],
    [undefined, 'pull', 'public/x', 404],
    [undefined, 'push', 'public/x', 401],
    [undefined, 'pull', 'team/app', 401],
    [undefined, 'pull', 'publicity', 401],
  ]
  const REQUESTS: Readonly<Record<string, (name: string) => Request>> = {
    pull: name => ['GET', `/v2/${name}/tags/list`],
    push: name => ['POST', `/v2/${name}/blobs/uploads/`],
    delete: name => ['DELETE', `/v2/${name}/manifests/1`],
  }
  for (const [user, action, repository, status] of CASES) {
    test(`${user ?? 'nobody'} and ${action} of ${repository}: ${status}`, async t => {
      const { send } = await server(t, { rules })
      const request = REQUESTS[action]?.(repository) ?? assert.fail(action)
      assert.equal((await as(send, user)(...request)).status, status)
    })
  }

  test('the catalog, and mounts without a source, show only what the user may read', async t => {
    const { send } = await server(t, { rules: [...rules, { repositories: ['**'], users: ['bob'], actions: ['push'] }] })
    const ann = as(send, 'ann')
    const bob = as(send, 'bob')
    const { putManifest, sampleManifest } = await import('../../src/registry/server/testing-server.ts')
    for (const name of ['team/app', 'team/deep/app']) {
      await putManifest(ann, name, '1', (await sampleManifest(ann, name, name)).text)
    }
    assert.deepEqual(jsonOf(await bob('GET', '/v2/_catalog')), { repositories: ['team/app'] })
    const { sha256 } = await import('../../src/oci/digest.ts')
    const mount = async (content: string) =>
      (await bob('POST', `/v2/bobs/blobs/uploads/?mount=${sha256(content)}`)).status
    assert.deepEqual([await mount('team/app'), await mount('team/deep/app')], [201, 202])
  })
})

test('a read-only registry refuses what writes', async t => {
  const { send } = await testServer(t, { readOnly: true })
  for (const request of [PUSH, DELETE]) {
    const answer = await send(...request)
    assert.deepEqual([answer.status, codeOf(answer)], [405, 'UNSUPPORTED'])
  }
  assert.equal((await send(...PULL)).status, 404)
})

describe('an htpasswd file', () => {
  const BAD: readonly (readonly [what: string, text: string, message: RegExp])[] = [
    ['with MD5', 'ann:$apr1$abc$xyz', /users:1: its password is not hashed with bcrypt/],
    ['with a plain password', '# x\nann:secret', /users:2: it is not user:hash/],
    ['without users', '\n# none\n', /users has no users/],
    ['that would take minutes', `ann:$2y$31$${'a'.repeat(53)}`, /users:1/],
  ]
  for (const [what, text, message] of BAD) {
    test(`${what} is refused`, () => {
      assert.throws(() => parseHtpasswd('users', text), { code: 'HTPASSWD_INVALID', message })
      assert.throws(
        () => parseHtpasswd('users', text),
        error => !String(error).includes('secret'),
      )
    })
  }
})

test('pauses grow to a minute and are forgotten in time', () => {
  const throttle = new Throttle()
  const waits: number[] = []
  let now = 1_000_000
  for (let time = 0; time < 12; time++) {
    throttle.failed('10.0.0.1', 'ann', now)
    const wait = throttle.wait('10.0.0.1', 'ann', now)
    waits.push(wait)
    now += wait
  }
  assert.deepEqual(waits, [0, 0, 0, 0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000])
  assert.equal(throttle.wait('10.0.0.2', 'ann', now), 0)
  throttle.failed('10.0.0.1', 'ann', now + 16 * 60_000)
  assert.equal(throttle.wait('10.0.0.1', 'ann', now + 16 * 60_000), 0)
  for (let time = 0; time < 20; time++) throttle.failed('2001:db8:1:2::1', `user${time}`, now)
  assert.ok(throttle.wait('2001:db8:1:2:ffff::9', 'another', now) > 0)
})
