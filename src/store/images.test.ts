import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Digest, sha256 } from '../oci/digest.ts'
import { MediaType } from '../oci/media-types.ts'
import { addImage, addLayer, putManifest, temporaryStore } from './testing.ts'

const NAME = 'docker.io/library/app:1'

test('an image is added, named, listed, opened and removed', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const layer = await addLayer(store, lease, 'hello')
  const { digest } = await addImage(store, lease, { layers: [layer], labels: { a: 'b' } })
  store.images.tag(NAME, digest, 'build')
  store.images.addRepoDigest('docker.io/library/app', digest)
  const [image] = store.images.list()
  assert.equal(image?.id, digest)
  assert.deepEqual(image?.names, [NAME])
  assert.deepEqual(image?.repoDigests, [`docker.io/library/app@${digest}`])
  assert.deepEqual(image?.details?.labels, { a: 'b' })
  assert.equal(image?.details?.unpackedSize, 5)
  assert.deepEqual(store.images.get(digest), image)
  const opened = await store.images.open(digest)
  assert.equal(sha256(opened.rawManifest), digest)
  assert.deepEqual(opened.config.rootfs.diff_ids, [layer.diffId])
  assert.throws(() => store.images.remove(digest), { code: 'IMAGE_TAGGED' })
  assert.ok(store.images.untag(NAME, 'untag'))
  assert.ok(!store.images.untag(NAME, 'untag'))
  store.images.remove(digest)
  assert.deepEqual(store.images.list(), [])
  assert.throws(() => store.images.remove(digest), { code: 'IMAGE_NOT_FOUND' })
})

test('a tag that moves keeps its history, and its earlier image stays', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const layers = [await addLayer(store, lease, 'x')]
  const first = (await addImage(store, lease, { layers, author: '1' })).digest
  const second = (await addImage(store, lease, { layers, author: '2' })).digest
  store.images.tag(NAME, first, 'build')
  store.images.tag(NAME, second, 'tag')
  store.images.tag(NAME, second, 'tag')
  store.images.untag(NAME, 'untag')
  const history = store.images.tagHistory(NAME)
  assert.deepEqual(
    history.map(({ digest, previous, why }) => ({ digest, previous, why })),
    [
      { digest: undefined, previous: second, why: 'untag' },
      { digest: second, previous: first, why: 'tag' },
      { digest: first, previous: undefined, why: 'build' },
    ],
  )
  assert.equal(store.images.list().length, 2)
})

test('an incomplete image names what is missing', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const raw = JSON.stringify({
    schemaVersion: 2,
    config: { mediaType: MediaType.ociConfig, digest: sha256('c'), size: 1 },
    layers: [{ mediaType: MediaType.ociLayerZstd, digest: sha256('l'), size: 1 }],
  })
  await assert.rejects(store.images.add(lease, Buffer.from(raw), MediaType.ociManifest), {
    code: 'IMAGE_INCOMPLETE',
    message: new RegExp(`config ${sha256('c')}, layer ${sha256('l')}`),
  })
})

test('of an index only the platforms that are there can be opened', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const layers = [await addLayer(store, lease, 'x')]
  const architectures = ['riscv64', 's390x', 'ppc64le'] as const
  const manifests: { mediaType: string; digest: Digest; size: number }[] = []
  for (const architecture of architectures) {
    const { raw, digest } = await putManifest(store, lease, { layers, architecture })
    if (architecture !== 'ppc64le') await store.blobs.put(lease, raw)
    manifests.push({ mediaType: MediaType.ociManifest, digest, size: raw.length })
  }
  const raw = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }))
  const { digest } = await store.images.add(lease, raw, MediaType.ociIndex)
  const open = (architecture: string) => store.images.open(digest, { os: 'linux', architecture })
  assert.equal((await open('s390x')).digest, manifests[1]?.digest)
  assert.equal((await store.images.open(digest)).digest, manifests[0]?.digest)
  await assert.rejects(open('ppc64le'), {
    code: 'PLATFORM_NOT_FOUND',
    message: `image ${digest} was found but does not provide the platform linux/ppc64le`,
    hint: /linux\/riscv64, linux\/s390x/,
  })
  store.images.tag(NAME, digest, 'tag')
  await assert.rejects(open('ppc64le'), { message: /^image \S+:\S+ \([0-9a-f]{12}\) was found but does not/ })
  assert.equal((await store.images.openIndex(digest))?.manifests.length, 3)
  assert.equal(store.images.list().length, 1, 'the manifests of an index are no images by themselves')
  assert.equal(store.images.get(digest)?.details?.platform.architecture, 'riscv64')
  store.images.tag(NAME, manifests[1]?.digest as Digest, 'tag')
  assert.equal(store.images.list().length, 2, 'unless one is named')
})

test('of an index the store gives what its registry would, not an older variant because only that is there', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const manifests: object[] = []
  const digests: Digest[] = []
  for (const [variant, here] of [
    ['v5', true],
    ['v6', true],
    ['v7', false],
  ] as const) {
    const layers = [await addLayer(store, lease, variant)]
    const { raw, digest } = await putManifest(store, lease, { layers, architecture: 'arm' })
    if (here) await store.blobs.put(lease, raw)
    digests.push(digest)
    const platform = { os: 'linux', architecture: 'arm', variant }
    manifests.push({ mediaType: MediaType.ociManifest, digest, size: raw.length, platform })
  }
  const raw = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }))
  const { digest } = await store.images.add(lease, raw, MediaType.ociIndex)
  const open = (variant: string) => store.images.open(digest, { os: 'linux', architecture: 'arm', variant })
  assert.equal((await open('v5')).digest, digests[0])
  assert.equal((await open('v6')).digest, digests[1])
  await assert.rejects(open('v7'), { code: 'PLATFORM_NOT_FOUND', hint: /linux\/arm\/v5, linux\/arm\/v6/ })
})

test('names must be complete', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const { digest } = await addImage(store, lease, { layers: [await addLayer(store, lease, 'x')] })
  for (const name of ['app', 'app:1', 'docker.io/library/app', `docker.io/library/app@${digest}`]) {
    assert.throws(() => store.images.tag(name, digest, 'tag'), { code: 'INVALID_TAG' }, name)
  }
  assert.throws(() => store.images.tag(NAME, sha256('nothing'), 'tag'), { code: 'IMAGE_NOT_FOUND' })
  assert.throws(() => store.images.tagAll([NAME, 'app'], digest, 'tag'), { code: 'INVALID_TAG' })
  assert.equal(store.images.getTag(NAME), undefined)
})

test('a thousand images are listed in less than 50 ms', async t => {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const layer = await addLayer(store, lease, 'x')
  const { raw } = await putManifest(store, lease, { layers: [layer] })
  const base = await store.images.add(lease, raw, MediaType.ociManifest)
  store.database.write(() => {
    for (let i = 0; i < 1000; i++) {
      const digest = sha256(String(i))
      store.database.run(
        'INSERT INTO manifests SELECT ?, media_type, kind, created, os, architecture, variant, labels FROM manifests WHERE digest = ?',
        digest,
        base.digest,
      )
      store.database.run(
        'INSERT INTO manifest_refs SELECT ?, position, role, digest, diff_id, seal FROM manifest_refs WHERE manifest = ?',
        digest,
        base.digest,
      )
      store.database.run('INSERT INTO images VALUES (?, ?)', digest, i)
      store.database.run('INSERT INTO tags VALUES (?, ?, ?)', `docker.io/library/app:${i}`, digest, i)
    }
  })
  const start = performance.now()
  const images = store.images.list()
  const took = performance.now() - start
  assert.equal(images.length, 1001)
  t.diagnostic(`${took.toFixed(1)} ms`)
  assert.ok(took < 50, `${took} ms`)
})
