import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { makeAuthority } from '../../../test/support/certificate.ts'
import { temporaryFolder } from '../../store/testing.ts'
import { imageOf } from '../../transfer/testing.ts'
import { ANONYMOUS } from './credentials.ts'
import { getManifest } from './manifests.ts'
import type { RegistrySettings } from './registries-file.ts'
import { createRegistryClient } from './registry.ts'
import { fakeRegistry } from './testing.ts'

const AUTHORITY = makeAuthority('Test authority')
const SERVER = AUTHORITY.issue('server', ['127.0.0.1', 'localhost'])
const CLIENT = AUTHORITY.issue('ann')
const STRANGER = makeAuthority('Stranger')
const IMAGE = imageOf({ layers: [] })

interface Case {
  readonly what: string
  readonly settings?: (folder: string) => Partial<RegistrySettings>
  /** Files in the folder of the host under certs.d. */
  readonly certsD?: Readonly<Record<string, string>>
  readonly wantsClient?: boolean
  /** The code of the error that is expected. */
  readonly code?: string
}

const CASES: readonly Case[] = [
  { what: 'loopback needs no certificate' },
  { what: 'the right authority', settings: folder => ({ ca: join(folder, 'ca.pem') }) },
  {
    what: 'the wrong authority',
    settings: folder => ({ ca: join(folder, 'stranger.pem') }),
    code: 'REGISTRY_CERTIFICATE',
  },
  {
    what: 'the wrong authority, but any certificate will do',
    settings: folder => ({ ca: join(folder, 'stranger.pem'), insecure: 'skip-verify' }),
  },
  {
    what: 'a client certificate',
    wantsClient: true,
    settings: folder => ({ cert: join(folder, 'client.pem'), key: join(folder, 'client.key') }),
  },
  { what: 'no client certificate where one is wanted', wantsClient: true, code: 'REGISTRY_UNREACHABLE' },
  {
    what: 'a key of another certificate',
    settings: folder => ({ cert: join(folder, 'client.pem'), key: join(folder, 'other.key') }),
    code: 'REGISTRY_CERTIFICATE_FILE',
  },
  {
    what: 'a file that is not there',
    settings: folder => ({ ca: join(folder, 'none.pem') }),
    code: 'REGISTRY_CERTIFICATE_FILE',
  },
  {
    what: 'a file that is no certificate',
    settings: folder => ({ ca: join(folder, 'text') }),
    code: 'REGISTRY_CERTIFICATE_FILE',
  },
  {
    what: 'certs.d as docker and podman have it',
    wantsClient: true,
    certsD: { 'ca.crt': AUTHORITY.cert, 'ann.cert': CLIENT.cert, 'ann.key': CLIENT.key },
  },
  { what: 'certs.d with the wrong authority', certsD: { 'ca.crt': STRANGER.cert }, code: 'REGISTRY_CERTIFICATE' },
  {
    what: 'plain HTTP at a port with TLS',
    settings: () => ({ insecure: 'plain-http' }),
    code: 'REGISTRY_UNREACHABLE',
  },
]

async function setting(t: TestContext, { settings, certsD, wantsClient = false }: Case) {
  const clients = wantsClient ? { requestCert: true, rejectUnauthorized: true, ca: AUTHORITY.cert } : {}
  const registry = await fakeRegistry(t, { ...SERVER, ...clients })
  registry.addImage('app', '1', IMAGE)
  const folder = temporaryFolder(t)
  const files = { 'ca.pem': AUTHORITY.cert, 'stranger.pem': STRANGER.cert, text: 'no certificate' }
  const keys = { 'client.pem': CLIENT.cert, 'client.key': CLIENT.key, 'other.key': SERVER.key }
  for (const [name, text] of Object.entries({ ...files, ...keys })) writeFileSync(join(folder, name), text)
  const certificates = join(folder, '.config/containers/certs.d', registry.host)
  mkdirSync(certificates, { recursive: true })
  for (const [name, text] of Object.entries(certsD ?? {})) writeFileSync(join(certificates, name), text)
  const registries = new Map(settings && [[registry.host, { mirrors: [], ...settings(folder) }]])
  const client = createRegistryClient({ credentials: ANONYMOUS, env: { HOME: folder }, attempts: 1, registries })
  t.after(() => client.close())
  return client.registry(registry.host)
}

for (const one of CASES) {
  test(`TLS: ${one.what}${one.code === undefined ? '' : ` is refused with ${one.code}`}`, async t => {
    const remote = await setting(t, one)
    const asked = getManifest(remote, { repository: 'app', reference: '1' })
    if (one.code !== undefined) await assert.rejects(asked, { code: one.code })
    else assert.equal((await asked).digest, IMAGE.digest)
  })
}

test('plain HTTP to another machine is not even tried, unless named insecure', async t => {
  const registry = await fakeRegistry(t)
  registry.addImage('app', '1', IMAGE)
  const [, port] = registry.host.split(':')
  // Any name that leads here but is not known to: its addresses are only looked up for HTTP that was named.
  const proxy = { http_proxy: `http://127.0.0.1:${port}`, https_proxy: `http://127.0.0.1:${port}` }
  const host = 'registry.example.com'
  const ask = (registries: ReadonlyMap<string, RegistrySettings>) => {
    const client = createRegistryClient({ credentials: ANONYMOUS, env: proxy, attempts: 1, registries })
    t.after(() => client.close())
    return getManifest(client.registry(host), { repository: 'app', reference: '1' })
  }
  registry.intercept = (request, _response) => {
    request.url = request.url?.replace(`http://${host}`, '') ?? ''
    return false
  }
  await assert.rejects(ask(new Map()))
  assert.deepEqual(registry.requests, [])
  assert.equal((await ask(new Map([[host, { mirrors: [], insecure: 'plain-http' }]]))).digest, IMAGE.digest)
})
