import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { sha256 } from '../../src/oci/digest.ts'
import { codeOf, putManifest, sampleManifest, testServer } from '../../src/registry/server/testing-server.ts'

const DIGEST = sha256('x')

const PATHS = [
  '..',
  '../..',
  'a/../b',
  '.',
  './a',
  'a//b',
  '/etc',
  'a/',
  '%2e%2e',
  'a/%2e%2e/b',
  '..%2f..%2fetc',
  'A',
  'a b',
]

test('names that try paths are refused', async t => {
  const { send, store } = await testServer(t)
  const before = readdirSync(store.root, { recursive: true }).toSorted()
  for (const name of [...PATHS, 'a%00b', '%', 'a__b___c', '-a', 'a-', 'é', 'x'.repeat(256)]) {
    for (const [method, rest] of [
      ['POST', 'blobs/uploads/'],
      ['PUT', 'manifests/1'],
      ['GET', `blobs/${DIGEST}`],
      ['GET', 'tags/list'],
      ['DELETE', 'manifests/1'],
    ] as const) {
      const answer = await send(method, `/v2/${encodeNothing(name)}/${rest}`)
      assert.ok(answer.status === 400 || answer.status === 404, `${method} ${name}: ${answer.status}`)
      assert.match(codeOf(answer) ?? '', /^(NAME_INVALID|UNSUPPORTED)$/, `${method} ${name}`)
    }
  }
  assert.deepEqual(readdirSync(store.root, { recursive: true }).toSorted(), before)
})

/** Node refuses to send these as they are. */
function encodeNothing(name: string): string {
  return name.replace(/ /g, '%20').replace(/é/g, '%C3%A9')
}

test('names that only look odd are fine', async t => {
  const { send } = await testServer(t)
  for (const name of [
    'a',
    '0',
    'a.b',
    'a_b',
    'a__b',
    'a--b',
    'blobs',
    'manifests/blobs',
    'v2/tags/list',
    'x'.repeat(255),
  ]) {
    const { text } = await sampleManifest(send, name, 'layer')
    assert.equal((await putManifest(send, name, 'manifests', text)).status, 201, name)
    assert.equal((await send('GET', `/v2/${name}/tags/list`)).status, 200, name)
  }
})

test('tags that try paths are refused', async t => {
  const { send } = await testServer(t)
  const { text } = await sampleManifest(send, 'app', 'layer')
  for (const tag of ['..', '.', '.a', '-a', '%2e%2e', 'a%2fb', 'a%20b', 'a:b', 'x'.repeat(129), '%00']) {
    const { status } = await putManifest(send, 'app', tag, text)
    assert.ok(status === 400 || status === 404 || status === 405, `${tag}: ${status}`)
    assert.notEqual((await send('GET', `/v2/app/manifests/${tag}`)).status, 200, tag)
  }
  assert.equal((await putManifest(send, 'app', 'x'.repeat(128), text)).status, 201)
  const refused = await putManifest(send, 'app', '-a', text)
  assert.deepEqual([refused.status, codeOf(refused)], [400, 'TAG_INVALID'])
})

test('what is no route, and wrong methods', async t => {
  const { send } = await testServer(t)
  for (const [method, path, status] of [
    ['GET', '/', 404],
    ['GET', '/v1/', 404],
    ['GET', '/v2/app', 404],
    ['GET', '/v2/app/blobs', 404],
    ['POST', '/v2/', 405],
    ['POST', '/v2/app/manifests/1', 405],
    ['DELETE', '/v2/_catalog', 405],
    ['PUT', '/healthz', 405],
  ] as const) {
    const answer = await send(method, path)
    assert.deepEqual([answer.status, codeOf(answer)], [status, 'UNSUPPORTED'], `${method} ${path}`)
    if (status === 405) assert.match(answer.headers.allow ?? '', /GET/)
  }
  const root = await send('GET', '/v2/')
  assert.deepEqual([root.status, root.headers['docker-distribution-api-version']], [200, 'registry/2.0'])
})
