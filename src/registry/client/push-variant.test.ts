import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { sha256 } from '../../oci/digest.ts'
import { collect } from '../../store/collect.ts'
import { temporaryStore } from '../../store/testing.ts'
import type { TransferEvent } from '../../transfer/events.ts'
import { imageOf, tarOf } from '../../transfer/testing.ts'
import { ANONYMOUS } from './credentials.ts'
import { pullImage } from './pull.ts'
import { pushImage } from './push.ts'
import { createRegistryClient } from './registry.ts'
import { bodyOf, fakeRegistry, sendError } from './testing.ts'

const LAYERS = [tarOf({ a: 'a' }), tarOf({ b: Buffer.alloc(300_000, 'b') })]

async function setting(t: TestContext, docker = false) {
  const registry = await fakeRegistry(t)
  const store = temporaryStore(t)
  const image = imageOf({ layers: LAYERS, compression: docker ? 'gzip' : 'zstd', docker })
  registry.addImage('app', '1', image)
  const client = createRegistryClient({ credentials: ANONYMOUS, env: {}, backOff: 1 })
  t.after(() => client.close())
  const name = `${registry.host}/app:1`
  await pullImage(store, name, { client })
  registry.manifests.clear()
  registry.blobs.clear()
  return { registry, store, image, name, client }
}

test('an image of zstd layers is pushed with gzip ones: the same files and configuration under another digest', async t => {
  const { registry, store, image, name, client } = await setting(t)
  const pushed = await pushImage(store, name, { client, compression: 'gzip' })
  assert.equal(pushed.original, image.digest)
  assert.notEqual(pushed.digest, image.digest)
  const manifest = JSON.parse(String(registry.manifests.get('app@1')?.raw))
  assert.equal(manifest.config.digest, sha256(image.config))
  for (const [at, layer] of manifest.layers.entries()) {
    assert.equal(layer.mediaType, 'application/vnd.oci.image.layer.v1.tar+gzip')
    assert.deepEqual(gunzipSync(registry.blobs.get(`app@${layer.digest}`) ?? ''), LAYERS[at])
  }
  const other = temporaryStore(t)
  assert.equal((await pullImage(other, name, { client })).digest, pushed.digest)
})

test('the variant is recorded with its image, made once, found by either digest, and goes with its image', async t => {
  const { store, image, name, client } = await setting(t)
  const { digest } = await pushImage(store, name, { client, compression: 'gzip' })
  assert.equal(store.variants.find(digest)?.original, image.digest)
  assert.deepEqual(
    store.variants.of(image.digest).map(variant => [variant.digest, variant.compression]),
    [[digest, 'gzip']],
  )
  assert.deepEqual(
    store.images.list().map(({ id }) => id),
    [image.digest],
    'it is no image of its own',
  )
  await collect(store)
  assert.ok(store.blobs.size(digest) !== undefined)
  const events: TransferEvent[] = []
  const again = await pushImage(store, name, { client, compression: 'gzip', onEvent: event => events.push(event) })
  assert.equal(again.digest, digest)
  assert.deepEqual(
    events.filter(event => event.kind === 'detail'),
    [],
  )
  store.images.untag(name, 'test')
  store.images.remove(image.digest)
  await collect(store)
  assert.equal(store.blobs.size(digest), undefined)
  assert.equal(store.variants.find(digest), undefined)
})

test('an image that has the compression is pushed as it is', async t => {
  const { store, image, name, client } = await setting(t)
  assert.deepEqual(await pushImage(store, name, { client, compression: 'zstd' }), {
    name,
    digest: image.digest,
    size: image.manifest.byteLength,
  })
  assert.deepEqual(store.variants.of(image.digest), [])
})

test('an image with Docker’s types keeps them', async t => {
  const { registry, store, name, client } = await setting(t, true)
  await pushImage(store, name, { client, compression: 'zstd' })
  const stored = registry.manifests.get('app@1')
  assert.equal(stored?.mediaType, 'application/vnd.docker.distribution.manifest.v2+json')
  const types = JSON.parse(String(stored?.raw)).layers.map((layer: { mediaType: string }) => layer.mediaType)
  assert.deepEqual(new Set(types), new Set(['application/vnd.docker.image.rootfs.diff.tar.zstd']))
})

test('a registry that refuses zstd layers gets gzip ones, and it is said', async t => {
  const { registry, store, image, name, client } = await setting(t)
  registry.intercept = async (request, response) => {
    if (request.method !== 'PUT' || !request.url?.includes('/manifests/')) return false
    const raw = await bodyOf(request)
    if (raw.includes('zstd')) return sendError(response, 400, 'MANIFEST_INVALID')
    registry.manifests.set('app@1', { mediaType: request.headers['content-type'] ?? '', raw })
    response.writeHead(201).end()
    return true
  }
  const events: TransferEvent[] = []
  const pushed = await pushImage(store, name, { client, onEvent: event => events.push(event) })
  assert.equal(pushed.original, image.digest)
  const [warning] = events.flatMap(event => (event.kind === 'warning' ? [event.message] : []))
  assert.match(warning ?? '', /refuses the image with zstd layers, so that gzip is tried: .*MANIFEST_INVALID/)
})

test('a registry that refuses both says why it refused the image', async t => {
  const { registry, store, name, client } = await setting(t)
  registry.intercept = (request, response) =>
    request.method === 'PUT' && request.url?.includes('/manifests/') === true && sendError(response, 400, 'DENIED_HERE')
  await assert.rejects(pushImage(store, name, { client }), { code: 'REGISTRY_REFUSED', message: /DENIED_HERE/ })
})
