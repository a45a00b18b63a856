import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { temporaryStore } from '../../store/testing.ts'
import type { TransferEvent } from '../../transfer/events.ts'
import { imageOf, tarOf } from '../../transfer/testing.ts'
import { ANONYMOUS } from './credentials.ts'
import { pullImage } from './pull.ts'
import { pushImage } from './push.ts'
import { createRegistryClient } from './registry.ts'
import { type FakeRegistry, fakeRegistry, sendError } from './testing.ts'

const IMAGE = imageOf({ layers: [tarOf({ a: 'a' }), tarOf({ b: 'b' })], compression: 'none' })

/** A registry with two mirrors, the first with a path of its own; all have the image. */
async function setting(t: TestContext) {
  const [first, second, own] = await Promise.all([fakeRegistry(t), fakeRegistry(t), fakeRegistry(t)])
  first.addImage('proxy/hub/app', '1', IMAGE)
  second.addImage('app', '1', IMAGE)
  own.addImage('app', '1', IMAGE)
  const mirrors = [`${first.host}/proxy/hub`, second.host]
  const client = createRegistryClient({
    credentials: ANONYMOUS,
    env: {},
    backOff: 1,
    registries: new Map([[own.host, { mirrors }]]),
  })
  t.after(() => client.close())
  const details: string[] = []
  const onEvent = (event: TransferEvent) => {
    if (event.kind === 'detail') details.push(event.message)
  }
  const store = temporaryStore(t)
  const pull = () => pullImage(store, `${own.host}/app:1`, { client, onEvent })
  return { first, second, own, client, store, details, pull }
}

const WAYS: readonly (readonly [what: string, spoil: (first: FakeRegistry) => void, why: RegExp])[] = [
  ['lacks the image', first => first.manifests.clear(), /HTTP 404/],
  ['lacks a layer', first => first.blobs.delete([...first.blobs.keys()].at(-1) as string), /HTTP 404/],
  [
    'refuses',
    first => {
      first.intercept = (_, response) => sendError(response, 403, 'DENIED')
    },
    /HTTP 403/,
  ],
  [
    'is down',
    first => {
      first.intercept = (request, response) => request.url !== '/v2/' && sendError(response, 503, 'UNAVAILABLE')
    },
    /HTTP 503/,
  ],
  [
    'sends other bytes than the digest says',
    first => {
      for (const [key, bytes] of first.blobs) first.blobs.set(key, Buffer.alloc(bytes.byteLength))
    },
    /digest|mismatch|instead of/i,
  ],
]

test('the first mirror answers, and the registry is not asked', async t => {
  const { own, second, details, pull, first } = await setting(t)
  assert.equal((await pull()).digest, IMAGE.digest)
  assert.deepEqual([own.requests, second.requests], [[], []])
  assert.deepEqual(details, [`answered by ${first.host}/proxy/hub/app`])
})

for (const [what, spoil, why] of WAYS) {
  test(`a mirror that ${what} is passed over`, async t => {
    const { first, second, own, store, details, pull } = await setting(t)
    spoil(first)
    const pulled = await pull()
    assert.deepEqual([pulled.digest, own.requests], [IMAGE.digest, []])
    assert.deepEqual((await store.images.open(IMAGE.digest)).rawManifest, IMAGE.manifest)
    assert.deepEqual(store.images.get(IMAGE.digest)?.repoDigests, [`${own.host}/app@${IMAGE.digest}`])
    assert.equal(details.length, 2)
    assert.ok(details[0]?.startsWith(`passed over ${first.host}/proxy/hub/app: `), String(details[0]))
    assert.match(String(details[0]), why)
    assert.equal(details[1], `answered by ${second.host}/app`)
  })
}

test('when every mirror fails the registry itself is asked, and its error is the one to tell', async t => {
  const { first, second, own, pull } = await setting(t)
  first.manifests.clear()
  second.manifests.clear()
  assert.equal((await pull()).digest, IMAGE.digest)
  own.manifests.clear()
  first.requests.length = 0
  await assert.rejects(pull(), { message: new RegExp(`^cannot pull ${own.host}/app:1: HTTP 404`) })
})

test('a push goes to the registry itself', async t => {
  const { first, second, own, client, store, pull } = await setting(t)
  await pull()
  for (const each of [first, second]) each.requests.length = 0
  store.images.tag(`${own.host}/app:2`, IMAGE.digest, 'test')
  await pushImage(store, `${own.host}/app:2`, { client })
  assert.deepEqual([first.requests, second.requests], [[], []])
  assert.ok(own.manifests.has('app@2'))
})
