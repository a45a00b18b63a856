import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MediaType } from '../../oci/media-types.ts'
import { temporaryStore } from '../../store/testing.ts'
import type { TransferEvent } from '../../transfer/events.ts'
import { imageOf, tarOf } from '../../transfer/testing.ts'
import { ANONYMOUS } from './credentials.ts'
import { pullImage } from './pull.ts'
import { createRegistryClient } from './registry.ts'
import { fakeRegistry } from './testing.ts'

const LAYERS = [tarOf({ 'bin/sh': 'shell', 'etc/os': 'test' }), tarOf({ 'etc/os': 'other' })]

for (const compression of ['gzip', 'zstd', 'none'] as const) {
  for (const docker of [false, true]) {
    test(`an image with ${compression} layers and ${docker ? 'Docker' : 'OCI'} types is pulled whole`, async t => {
      const registry = await fakeRegistry(t)
      const store = temporaryStore(t)
      const image = imageOf({ layers: LAYERS, compression, docker })
      registry.addImage('app', '1', image)
      const events: TransferEvent[] = []
      const name = `${registry.host}/app:1`
      const pulled = await pullImage(store, name, { client: client(t), onEvent: event => events.push(event) })
      assert.deepEqual(pulled, { name, digest: image.digest, manifest: image.digest, changed: true })
      const stored = await store.images.open(image.digest)
      assert.deepEqual(stored.rawManifest, image.manifest)
      assert.deepEqual(stored.rawConfig, image.config)
      const [first] = stored.config.rootfs.diff_ids
      const layer = store.layers.byDiffId(first ?? 'sha256:')
      assert.equal(layer?.blobs[0]?.compression, compression)
      assert.deepEqual(layer && (await store.layers.toc(layer)).entries.map(entry => entry.path), ['bin/sh', 'etc/os'])
      assert.equal(store.images.getTag(name)?.digest, image.digest)
      assert.deepEqual(store.images.get(image.digest)?.repoDigests, [`${registry.host}/app@${image.digest}`])
      assert.equal(events.filter(event => event.kind === 'layer' && event.state === 'done').length, 2)
    })
  }
}

test('a second pull asks for the digest only, and a shared layer is not fetched again', async t => {
  const registry = await fakeRegistry(t)
  const store = temporaryStore(t)
  registry.addImage('app', '1', imageOf({ layers: LAYERS }))
  registry.addImage('app', '2', imageOf({ layers: [...LAYERS, tarOf({ more: 'x' })] }))
  const options = { client: client(t) }
  await pullImage(store, `${registry.host}/app:1`, options)
  registry.requests.length = 0
  assert.equal((await pullImage(store, `${registry.host}/app:1`, options)).changed, false)
  assert.deepEqual(registry.requests, ['HEAD /v2/app/manifests/1'])
  await pullImage(store, `${registry.host}/app:2`, options)
  const blobs = registry.requests.filter(request => request.includes('/blobs/'))
  assert.equal(blobs.length, 2, 'config and the new layer')
})

test('of an index the platform’s image is taken and the tag points at the index', async t => {
  const registry = await fakeRegistry(t)
  const store = temporaryStore(t)
  const arm = imageOf({ layers: [tarOf({ a: 'arm' })], architecture: 'arm64' })
  const amd = imageOf({ layers: [tarOf({ a: 'amd' })], architecture: 'amd64' })
  const digest = registry.addIndex('app', '1', [amd, arm])
  const name = `${registry.host}/app:1`
  const platform = { os: 'linux', architecture: 'arm64' }
  const pulled = await pullImage(store, name, { client: client(t), platform })
  assert.deepEqual(pulled, { name, digest, manifest: arm.digest, changed: true })
  assert.equal(store.images.getTag(name)?.digest, digest)
  assert.equal((await store.images.open(digest as `sha256:${string}`, platform)).digest, arm.digest)
  await assert.rejects(
    pullImage(store, name, { client: client(t), platform: { os: 'linux', architecture: 's390x' } }),
    { code: 'NO_PLATFORM', hint: 'it has linux/amd64, linux/arm64; choose with --platform' },
  )
})

test('a reference with a digest is verified and moves no tag', async t => {
  const registry = await fakeRegistry(t)
  const store = temporaryStore(t)
  const image = imageOf({ layers: LAYERS })
  registry.addImage('app', '1', image)
  const name = `${registry.host}/app@${image.digest}`
  const pulled = await pullImage(store, name, { client: client(t) })
  assert.equal(pulled.digest, image.digest)
  assert.deepEqual(store.images.get(image.digest)?.names, [])
  registry.manifests.set(name.slice(registry.host.length + 1), { mediaType: image.mediaType, raw: Buffer.from('{}') })
  await assert.rejects(pullImage(temporaryStore(t), name, { client: client(t) }), { code: 'BLOB_DIGEST_MISMATCH' })
})

test('an image without layers is pulled', async t => {
  const registry = await fakeRegistry(t)
  const store = temporaryStore(t)
  const image = imageOf({ layers: [] })
  registry.addImage('empty', 'latest', image)
  await pullImage(store, `${registry.host}/empty`, { client: client(t) })
  assert.deepEqual((await store.images.open(image.digest)).manifest.layers, [])
})

test('what is missing is named, with the nearest tag', async t => {
  const registry = await fakeRegistry(t)
  registry.addImage('app', 'trixie', imageOf({ layers: [] }))
  await assert.rejects(pullImage(temporaryStore(t), `${registry.host}/app:trixe`, { client: client(t) }), {
    code: 'NOT_FOUND',
    message: `cannot pull ${registry.host}/app:trixe: HTTP 404 (MANIFEST_UNKNOWN: manifest_unknown here)`,
    hint: 'did you mean the tag trixie?',
  })
})

const HOSTILE: readonly [what: string, code: string, spoil: (registry: Registry) => void][] = [
  ['a layer with other bytes', 'LAYER_DIFF_ID_MISMATCH', r => swapLayer(r, () => tarOf({ a: 'c' }))],
  [
    'a layer that is longer',
    'BLOB_SIZE_MISMATCH',
    r => swapLayer(r, bytes => Buffer.concat([bytes, Buffer.alloc(4096)])),
  ],
  ['a layer with a foreign type', 'UNSUPPORTED_LAYER', r => retype(r, MediaType.dockerForeignLayer)],
  ['an artifact that is no image', 'NOT_AN_IMAGE', r => retype(r, undefined)],
  ['a schema 1 manifest', 'SCHEMA1_MANIFEST', r => replaceManifest(r, () => ({ schemaVersion: 1, name: 'app' }))],
]

type Registry = Awaited<ReturnType<typeof fakeRegistry>>

for (const [what, code, spoil] of HOSTILE) {
  test(`${what} is refused with ${code} and leaves nothing behind`, async t => {
    const registry = await fakeRegistry(t)
    const store = temporaryStore(t)
    registry.addImage('app', '1', imageOf({ layers: [tarOf({ a: 'b' })], compression: 'none' }))
    spoil(registry)
    await assert.rejects(pullImage(store, `${registry.host}/app:1`, { client: client(t) }), { code })
    assert.deepEqual(store.images.list(), [])
    assert.equal(store.images.getTag(`${registry.host}/app:1`), undefined)
  })
}

function swapLayer(registry: Registry, change: (bytes: Buffer) => Buffer): void {
  const [key, bytes] = [...registry.blobs].at(-1) ?? []
  if (key !== undefined && bytes !== undefined) registry.blobs.set(key, change(bytes))
}

function replaceManifest(registry: Registry, change: (json: never) => unknown): void {
  for (const [key, { mediaType, raw }] of registry.manifests) {
    registry.manifests.set(key, {
      mediaType,
      raw: Buffer.from(JSON.stringify(change(JSON.parse(raw.toString()) as never))),
    })
  }
}

function retype(registry: Registry, layerType: string | undefined): void {
  replaceManifest(registry, (json: { config: object; layers: object[] }) => ({
    ...json,
    config:
      layerType === undefined ? { ...json.config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } : json.config,
    layers: json.layers.map(layer => (layerType === undefined ? layer : { ...layer, mediaType: layerType })),
  }))
}

function client(t: { after(done: () => void): void }) {
  const made = createRegistryClient({ credentials: ANONYMOUS, env: {}, backOff: 1 })
  t.after(() => made.close())
  return made
}
