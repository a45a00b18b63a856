import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { copyImage } from '../../copy/copy.ts'
import { registrySource } from '../../copy/registry.ts'
import { storeTarget } from '../../copy/store.ts'
import { sha256 } from '../../oci/digest.ts'
import { MediaType } from '../../oci/media-types.ts'
import { parseReference } from '../../oci/reference.ts'
import { temporaryStore } from '../../store/testing.ts'
import type { TransferEvent } from '../../transfer/events.ts'
import { imageOf, indexOf, tarOf } from '../../transfer/testing.ts'
import { ANONYMOUS } from './credentials.ts'
import { pullImage } from './pull.ts'
import { pushImage } from './push.ts'
import { createRegistryClient } from './registry.ts'
import { bodyOf, type FakeRegistry, fakeRegistry, sendError } from './testing.ts'

const IMAGE = imageOf({ layers: [tarOf({ a: 'a' }), tarOf({ b: Buffer.alloc(300_000, 'b') })], compression: 'none' })

/** A store with an image that was pulled from `app:1` of a registry. */
async function pulled(t: TestContext) {
  const registry = await fakeRegistry(t)
  const store = temporaryStore(t)
  registry.addImage('app', '1', IMAGE)
  const options = { client: createRegistryClient({ credentials: ANONYMOUS, env: {}, backOff: 1 }) }
  t.after(() => options.client.close())
  await pullImage(store, `${registry.host}/app:1`, options)
  registry.requests.length = 0
  return { registry, store, options }
}

function tagged(store: ReturnType<typeof temporaryStore>, name: string): string {
  store.images.tag(name, IMAGE.digest, 'test')
  return name
}

function forget(registry: FakeRegistry): void {
  registry.manifests.clear()
  registry.blobs.clear()
}

test('an image is uploaded whole: blobs first, its manifest last', async t => {
  const { registry, store, options } = await pulled(t)
  forget(registry)
  const events: TransferEvent[] = []
  const name = `${registry.host}/app:1`
  const pushed = await pushImage(store, name, { ...options, onEvent: event => events.push(event) })
  assert.deepEqual(pushed, { name, digest: IMAGE.digest, size: IMAGE.manifest.byteLength })
  assert.deepEqual(registry.manifests.get('app@1')?.raw, IMAGE.manifest)
  assert.equal(registry.blobs.size, 3)
  assert.match(registry.requests.findLast(request => !request.startsWith('HEAD')) ?? '', /^PUT .*manifests\/1$/)
  assert.equal(events.filter(event => event.kind === 'layer' && event.state === 'done').length, 2)
})

test('what the registry has is not sent again', async t => {
  const { registry, store, options } = await pulled(t)
  await pushImage(store, tagged(store, `${registry.host}/app:2`), options)
  assert.deepEqual(registry.requests, [`HEAD /v2/app/manifests/${IMAGE.digest}`, 'PUT /v2/app/manifests/2'])
})

test('layers are mounted from the repository that they were pulled from', async t => {
  const { registry, store, options } = await pulled(t)
  const events: TransferEvent[] = []
  const name = tagged(store, `${registry.host}/team/other:1`)
  await pushImage(store, name, { ...options, onEvent: event => events.push(event) })
  const mounted = events.flatMap(event => (event.kind === 'layer' && event.state === 'mounted' ? [event.from] : []))
  assert.deepEqual(mounted, ['app', 'app'])
  assert.equal(registry.requests.filter(request => request.startsWith('PUT') && request.includes('/blobs/')).length, 1)
  assert.ok(store.images.get(IMAGE.digest)?.repoDigests.includes(`${registry.host}/team/other@${IMAGE.digest}`))
})

test('an index is pushed with its images; one that is nowhere is named', async t => {
  const { registry, store, options } = await pulled(t)
  const arm = imageOf({ layers: [tarOf({ c: 'c' })], architecture: 'arm64' })
  const { raw, digest } = indexOf([IMAGE, arm])
  await store.images.add(store.lease('test'), raw, MediaType.ociIndex)
  const name = `${registry.host}/app:multi`
  store.images.tag(name, digest, 'test')
  await assert.rejects(pushImage(store, name, options), { code: 'IMAGE_INCOMPLETE', message: /linux\/arm64/ })
  const one = await pushImage(store, name, { ...options, platform: { os: 'linux', architecture: 'amd64' } })
  assert.equal(one.digest, IMAGE.digest)
  registry.addImage('app', undefined, arm)
  assert.equal((await pushImage(store, name, options)).digest, digest)
  assert.deepEqual(registry.manifests.get('app@multi')?.raw, raw)
})

test('a refused push says who refused what, and what to do', async t => {
  const { registry, store, options } = await pulled(t)
  forget(registry)
  registry.intercept = (request, response) => request.method === 'POST' && sendError(response, 403, 'DENIED')
  await assert.rejects(pushImage(store, `${registry.host}/app:1`, options), {
    code: 'FORBIDDEN',
    message: /^cannot upload blob 127\.0\.0\.1:\d+\/app@sha256:[0-9a-f]{64}: HTTP 403 \(DENIED: denied here\)$/,
  })
})

test('a name that the store does not have cannot be pushed', async t => {
  const { store, options } = await pulled(t)
  await assert.rejects(pushImage(store, 'example.com/none:1', options), { code: 'NO_SUCH_IMAGE' })
})

test('an upload that breaks is begun again in a new session', async t => {
  const { registry, store, options } = await pulled(t)
  forget(registry)
  let broken = 0
  registry.intercept = (request, response) => {
    if (request.method !== 'PUT' || !request.url?.includes('/blobs/') || broken >= 2) return false
    broken++
    response.destroy()
    return true
  }
  await pushImage(store, `${registry.host}/app:1`, { ...options, parallel: 1 })
  assert.equal(broken, 2)
  assert.equal(registry.requests.filter(request => request.startsWith('POST')).length, 5)
  assert.equal(registry.blobs.size, 3)
})

test('a blob that is damaged here is said to be, and the connection not blamed', async t => {
  const { registry, store, options } = await pulled(t)
  forget(registry)
  const [, layer] = JSON.parse(IMAGE.manifest.toString()).layers
  const path = store.blobs.path(layer.digest)
  chmodSync(path, 0o644)
  const bytes = readFileSync(path)
  bytes[1000] = (bytes[1000] ?? 0) ^ 1
  writeFileSync(path, bytes)
  await assert.rejects(pushImage(store, `${registry.host}/app:1`, options), { code: 'BLOB_DAMAGED' })
  assert.equal(registry.manifests.size, 0)
})

/** A store with an index of two images with zstd layers, whole, as `multi:1`. */
async function pulledIndex(t: TestContext) {
  const { registry, store, options } = await pulled(t)
  forget(registry)
  const layers = [tarOf({ z: 'z'.repeat(1000) })]
  const images = ['amd64', 'arm64'].map(architecture => imageOf({ layers, compression: 'zstd', architecture }))
  const index = registry.addIndex('app', 'multi', images)
  const name = `${registry.host}/multi:1`
  const lease = store.lease('test')
  const source = await registrySource(options.client, parseReference(`${registry.host}/app:multi`))
  await copyImage(source, storeTarget(store, lease, name), { allPlatforms: true })
  lease.end()
  forget(registry)
  return { registry, store, options, name, index, images }
}

/** What an index in the registry names, with the media types of the layers. */
function namedIn({ manifests }: FakeRegistry, reference: string) {
  const at = (key: string) => JSON.parse(manifests.get(`multi@${key}`)?.raw.toString() ?? '{}')
  return at(reference).manifests.map(
    ({ digest, platform }: { digest: string; platform: { architecture: string } }) => ({
      architecture: platform.architecture,
      layers: at(digest).layers.map(({ mediaType }: { mediaType: string }) => mediaType.split('.').at(-1)),
    }),
  )
}

const IN_GZIP = ['amd64', 'arm64'].map(architecture => ({ architecture, layers: ['tar+gzip'] }))

test('--compression of an index recompresses each of its images, and the index over them is a variant', async t => {
  const { registry, store, options, name, index, images } = await pulledIndex(t)
  const pushed = await pushImage(store, name, { ...options, compression: 'gzip' })
  assert.equal(pushed.original, index)
  assert.notEqual(pushed.digest, index)
  assert.ok(registry.manifests.has(`multi@${pushed.digest}`))
  assert.deepEqual(namedIn(registry, '1'), IN_GZIP)
  assert.equal(store.variants.find(pushed.digest)?.original, index)
  assert.ok(images.every(({ digest }) => store.variants.of(digest).length === 1))
  const again = await pushImage(store, name, { ...options, compression: 'gzip' })
  assert.equal(again.digest, pushed.digest)
  const own = await pushImage(store, name, { ...options, compression: 'zstd' })
  assert.deepEqual([own.digest, own.original], [index, undefined])
})

test('a registry that refuses zstd gets an index in gzip without being asked for', async t => {
  const { registry, store, options, name, index } = await pulledIndex(t)
  registry.intercept = async (request, response) => {
    if (request.method !== 'PUT' || !request.url?.includes('/manifests/')) return false
    const raw = await bodyOf(request)
    if (raw.includes('tar+zstd')) return sendError(response, 400, 'MANIFEST_INVALID')
    const digest = sha256(raw)
    const stored = { mediaType: request.headers['content-type'] ?? '', raw }
    const reference = request.url.split('/').at(-1)
    registry.manifests.set(`multi@${reference}`, stored).set(`multi@${digest}`, stored)
    response.writeHead(201, { 'docker-content-digest': digest }).end()
    return true
  }
  const events: TransferEvent[] = []
  const pushed = await pushImage(store, name, { ...options, onEvent: event => events.push(event) })
  assert.equal(pushed.original, index)
  assert.deepEqual(namedIn(registry, '1'), IN_GZIP)
  assert.match(events.find(event => event.kind === 'warning')?.message ?? '', /refuses the image with zstd layers/)
})

test('an index is not recompressed when the store lacks one of its images', async t => {
  const { registry, store, options } = await pulled(t)
  registry.addIndex('app', 'part', [
    imageOf({ layers: [tarOf({ z: 'z' })] }),
    imageOf({ layers: [], architecture: 's390x' }),
  ])
  await pullImage(store, `${registry.host}/app:part`, options)
  await assert.rejects(pushImage(store, `${registry.host}/app:part`, { ...options, compression: 'zstd' }), {
    code: 'IMAGE_INCOMPLETE',
    message: /the image for linux\/s390x \(sha256:[0-9a-f]+\) of the index is not stored here/,
  })
})
