import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Credential, dockerCredentials } from './credentials.ts'

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') })
const known = (username: string, password: string): Credential => ({ kind: 'password', username, password })

const ROWS: readonly (readonly [what: string, config: object, registry: string, expected: Credential | undefined])[] = [
  ['a host', { auths: { 'example.com': auth('ann:pw') } }, 'example.com', known('ann', 'pw')],
  ['a host and port', { auths: { 'localhost:5000': auth('ann:pw') } }, 'localhost:5000', known('ann', 'pw')],
  ['another port', { auths: { 'localhost:5000': auth('ann:pw') } }, 'localhost:5001', undefined],
  [
    'a key that is an old URL',
    { auths: { 'https://example.com/v1/': auth('ann:pw') } },
    'example.com',
    known('ann', 'pw'),
  ],
  ['Docker Hub', { auths: { 'https://index.docker.io/v1/': auth('ann:pw') } }, 'docker.io', known('ann', 'pw')],
  ['a password with colons', { auths: { 'example.com': auth('ann:p:w:') } }, 'example.com', known('ann', 'p:w:')],
  [
    'name and password apart',
    { auths: { 'example.com': { username: 'ann', password: 'pw' } } },
    'example.com',
    known('ann', 'pw'),
  ],
  [
    'an identity token',
    { auths: { 'example.com': { ...auth('ann:'), identitytoken: 'tok' } } },
    'example.com',
    { kind: 'identity', token: 'tok', username: 'ann' },
  ],
  ['an empty entry', { auths: { 'example.com': {} } }, 'example.com', undefined],
  ['no entries', {}, 'example.com', undefined],
  ['a helper for all', { credsStore: 'fake' }, 'example.com', known('helped', 'example.com')],
  [
    'a helper for one',
    { credHelpers: { 'example.com': 'fake' }, auths: { 'example.com': auth('ann:pw') } },
    'example.com',
    known('helped', 'example.com'),
  ],
  [
    'a helper that knows nothing',
    { credsStore: 'empty', auths: { 'example.com': auth('ann:pw') } },
    'example.com',
    known('ann', 'pw'),
  ],
  ['a helper with a token', { credsStore: 'token' }, 'docker.io', { kind: 'identity', token: 'tok' }],
]

for (const [what, config, registry, expected] of ROWS) {
  test(`credentials of ${what}`, async t => {
    const source = dockerCredentials(await home(t, JSON.stringify(config)))
    assert.deepEqual(await source.get(registry), expected)
  })
}

test('without the file there are no credentials', async t => {
  const env = await home(t, '{}')
  assert.equal(
    await dockerCredentials({ DOCKER_CONFIG: join(env.DOCKER_CONFIG, 'none') }).get('example.com'),
    undefined,
  )
})

const BROKEN: readonly (readonly [what: string, config: string, code: string])[] = [
  ['malformed file', '{"auths": {"example.com": {"auth": "c2VjcmV0"', 'DOCKER_CONFIG'],
  ['file of another shape', '{"auths": "c2VjcmV0"}', 'DOCKER_CONFIG'],
  ['helper that is not installed', '{"credsStore": "none"}', 'CREDENTIAL_HELPER'],
  ['helper that leads elsewhere', '{"credsStore": "../../bin/x"}', 'CREDENTIAL_HELPER'],
  ['helper that fails', '{"credsStore": "broken"}', 'CREDENTIAL_HELPER'],
]

for (const [what, config, code] of BROKEN) {
  test(`a ${what} is an error that shows nothing secret`, async t => {
    const source = dockerCredentials(await home(t, config))
    const error = await source.get('example.com').then(
      () => assert.fail('no error'),
      (failure: Error) => failure,
    )
    assert.equal((error as Error & { code?: string }).code, code)
    assert.doesNotMatch(`${error.stack}${error.cause ?? ''}`, /c2VjcmV0|secret/)
  })
}

const HELPERS = {
  fake: 'read server; printf \'{"ServerURL":"x","Username":"helped","Secret":"%s"}\' "$server"',
  empty: 'echo "credentials not found in native keychain"; exit 1',
  token: 'echo \'{"Username":"<token>","Secret":"tok"}\'',
  broken: 'echo secret; exit 3',
}

async function home(t: TestContext, config: string) {
  const folder = await mkdtemp(join(tmpdir(), 'shale-docker-config-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'config.json'), config)
  for (const [name, script] of Object.entries(HELPERS)) {
    const path = join(folder, `docker-credential-${name}`)
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
  }
  return { DOCKER_CONFIG: folder, PATH: `${folder}:${process.env.PATH}` }
}
