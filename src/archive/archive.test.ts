import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Digest } from '../oci/digest.ts'
import { MediaType } from '../oci/media-types.ts'
import { hostPlatform } from '../oci/platform.ts'
import { temporaryFolder, temporaryStore } from '../store/testing.ts'
import type { Store } from '../store/types.ts'
import { imageOf, indexOf, type TestImage, tarOf } from '../transfer/testing.ts'
import { loadArchive } from './load.ts'
import { saveArchive, saveLayout } from './save.ts'

const BASE = tarOf({ 'bin/sh': 'shell', 'big.bin': Buffer.alloc(200_000, 'x') })
const TOP = tarOf({ 'etc/os': 'other' })

/** Every way that an image can leave a store and come back. */
const FORMATS: readonly (readonly [
  name: string,
  carry: (t: TestContext, store: Store, refs: string[]) => Promise<Source>,
])[] = [
  ['docker-archive', async (_, store, refs) => saveArchive(store, refs)],
  ['oci-archive', async (_, store, refs) => saveArchive(store, refs, { format: 'oci-archive' })],
  ['docker-archive in gzip', async (_, store, refs) => once(gzipSync(await collect(saveArchive(store, refs))))],
  ['docker-archive in zstd', async (_, store, refs) => once(zstdCompressSync(await collect(saveArchive(store, refs))))],
  [
    'oci-archive in a file',
    async (t, store, refs) => {
      const path = join(temporaryFolder(t), 'image.tar')
      await writeFile(path, await collect(saveArchive(store, refs, { format: 'oci-archive' })))
      return path
    },
  ],
  [
    'oci-layout',
    async (t, store, refs) => {
      const folder = join(temporaryFolder(t), 'layout')
      await saveLayout(store, refs, folder)
      return folder
    },
  ],
]

type Source = string | AsyncIterable<Uint8Array>

for (const [format, carry] of FORMATS) {
  test(`images survive ${format}: names, configs, layers`, async t => {
    const from = temporaryStore(t)
    const one = await put(from, imageOf({ layers: [BASE, TOP] }), 'docker.io/library/one:1', 'docker.io/library/one:2')
    const two = await put(from, imageOf({ layers: [BASE], compression: 'zstd' }), 'example.com/two:latest')
    const into = temporaryStore(t)
    const loaded = await loadArchive(into, await carry(t, from, ['one', 'example.com/two:latest']))
    assert.deepEqual(
      loaded.map(image => [...image.names].sort()),
      [['docker.io/library/one:1', 'docker.io/library/one:2'], ['example.com/two:latest']],
    )
    for (const [index, id] of [one, two].entries()) {
      const before = await from.images.open(id)
      const after = await into.images.open(loaded[index]?.id as Digest)
      if (format.startsWith('oci')) assert.equal(after.digest, id)
      assert.deepEqual(after.rawConfig, before.rawConfig)
      for (const diffId of before.config.rootfs.diff_ids) {
        assert.equal(into.layers.byDiffId(diffId)?.tocDigest, from.layers.byDiffId(diffId)?.tocDigest)
      }
    }
  })
}

test('an archive is the same bytes each time, also when it comes from a loaded one', async t => {
  const from = temporaryStore(t)
  await put(from, imageOf({ layers: [BASE, TOP] }), 'docker.io/library/app:1')
  const first = await collect(saveArchive(from, ['app:1']))
  assert.deepEqual(await collect(saveArchive(from, ['app:1'])), first)
  const into = temporaryStore(t)
  await loadArchive(into, once(first))
  assert.deepEqual(await collect(saveArchive(into, ['app:1'])), first)
})

test('a docker-archive gives one image ID through index.json and through manifest.json', async t => {
  const from = temporaryStore(t)
  await put(from, imageOf({ layers: [BASE, TOP] }), 'docker.io/library/app:1')
  const folder = temporaryFolder(t)
  await unpack(saveArchive(from, ['app:1']), folder)
  const [byIndex] = await loadArchive(temporaryStore(t), folder)
  await rm(join(folder, 'index.json'))
  const [byManifest] = await loadArchive(temporaryStore(t), folder)
  assert.deepEqual(byManifest, byIndex)
})

for (const through of ['index.json', 'manifest.json']) {
  test(`a docker-archive of an image that the store has gives that image, read by ${through}`, async t => {
    const store = temporaryStore(t)
    const id = await put(store, imageOf({ layers: [BASE, TOP] }), 'docker.io/library/app:1')
    const folder = temporaryFolder(t)
    await unpack(saveArchive(store, ['app:1']), folder)
    if (through === 'manifest.json') await rm(join(folder, 'index.json'))
    store.images.untag('docker.io/library/app:1', 'test')
    assert.deepEqual(await loadArchive(store, folder), [{ id, names: ['docker.io/library/app:1'] }])
    assert.equal(store.images.getTag('docker.io/library/app:1')?.digest, id)
    assert.deepEqual(
      store.images.list().map(image => image.id),
      [id],
    )
  })
}

test('of two images with one config, a docker-archive means the one that has its name', async t => {
  const store = temporaryStore(t)
  await put(store, imageOf({ layers: [TOP], compression: 'zstd' }), 'docker.io/library/other:1')
  const id = await put(store, imageOf({ layers: [TOP] }), 'docker.io/library/app:1')
  const loaded = await loadArchive(store, saveArchive(store, ['app:1']))
  assert.deepEqual(loaded, [{ id, names: ['docker.io/library/app:1'] }])
})

test('an image whose layer file is gone does not stand in for a docker-archive', async t => {
  const store = temporaryStore(t)
  const image = imageOf({ layers: [TOP] })
  const id = await put(store, image, 'docker.io/library/app:1')
  const archive = await collect(saveArchive(store, ['app:1']))
  const [layer] = (await store.images.open(id)).manifest.layers
  await rm(store.blobs.path(layer?.digest as Digest))
  const [loaded] = await loadArchive(store, once(archive))
  assert.notEqual(loaded?.id, id)
  assert.equal((await store.images.open(loaded?.id as Digest)).rawConfig.toString(), image.config.toString())
})

test('a docker-archive of an index gives the index, if the host takes that image of it', async t => {
  const store = temporaryStore(t)
  const host = hostPlatform().architecture
  const images = [imageOf({ layers: [BASE], architecture: host }), imageOf({ layers: [TOP], architecture: 's390x' })]
  for (const image of images) await put(store, image)
  const { raw, digest } = indexOf(images)
  await store.images.add(store.lease('test'), raw, MediaType.ociIndex)
  for (const { digest } of images) store.images.remove(digest)
  store.images.tag('docker.io/library/multi:1', digest, 'test')
  const own = await collect(saveArchive(store, ['multi:1']))
  const other = await collect(saveArchive(store, ['multi:1'], { platform: { os: 'linux', architecture: 's390x' } }))
  assert.equal((await loadArchive(store, once(own)))[0]?.id, digest)
  assert.equal((await loadArchive(store, once(other)))[0]?.id, images[1]?.digest)
})

test('an index keeps its digest and the images that are there', async t => {
  const from = temporaryStore(t)
  const images = [imageOf({ layers: [BASE] }), imageOf({ layers: [TOP], architecture: 'arm64' })]
  for (const image of images) await put(from, image)
  const { raw, digest } = indexOf(images)
  await from.images.add(from.lease('test'), raw, MediaType.ociIndex)
  from.images.tag('example.com/multi:1', digest, 'test')
  const into = temporaryStore(t)
  const loaded = await loadArchive(into, saveArchive(from, ['example.com/multi:1'], { format: 'oci-archive' }))
  assert.deepEqual(loaded, [{ id: digest, names: ['example.com/multi:1'] }])
  assert.equal((await into.images.open(digest, { os: 'linux', architecture: 'arm64' })).digest, images[1]?.digest)
})

test('a layout takes a second image, and a name that it had moves', async t => {
  const from = temporaryStore(t)
  const layout = join(temporaryFolder(t), 'layout')
  await put(from, imageOf({ layers: [BASE] }), 'docker.io/library/app:1')
  await saveLayout(from, ['app:1'], layout)
  const second = await put(from, imageOf({ layers: [TOP] }), 'docker.io/library/app:1', 'docker.io/library/app:2')
  await saveLayout(from, ['app'], layout)
  const loaded = await loadArchive(temporaryStore(t), layout)
  assert.deepEqual(loaded, [{ id: second, names: ['docker.io/library/app:1', 'docker.io/library/app:2'] }])
})

for (const format of ['docker-archive', 'oci-archive'] as const) {
  test(`a layer that the store has lost is said to be one of the image: ${format}`, async t => {
    const store = temporaryStore(t)
    const id = await put(store, imageOf({ layers: [TOP] }), 'docker.io/library/app:1')
    const { manifest } = await store.images.open(id)
    await rm(store.blobs.path(manifest.layers[0]?.digest as Digest))
    const message = `cannot save app:1: the store has lost the blob ${manifest.layers[0]?.digest}`
    const hint = /^pull or build the image again/
    await assert.rejects(collect(saveArchive(store, ['app:1'], { format })), { code: 'BLOB_MISSING', message, hint })
  })
}

test('a folder with other content is left alone', async t => {
  const from = temporaryStore(t)
  await put(from, imageOf({ layers: [BASE] }), 'docker.io/library/app:1')
  const folder = temporaryFolder(t)
  await writeFile(join(folder, 'letter.txt'), 'dear')
  await assert.rejects(saveLayout(from, ['app:1'], folder), { code: 'NOT_A_LAYOUT' })
})

test('an archive of docker before 25 is loaded: layer folders, a repeated layer as a symbolic link', async t => {
  const { config } = imageOf({ layers: [TOP, BASE, TOP] })
  const manifest = [{ Config: 'c.json', RepoTags: ['app:1'], Layers: ['a/layer.tar', 'b/layer.tar', 'c/layer.tar'] }]
  const link = {
    path: 'c/layer.tar',
    kind: 'symlink',
    target: '../a/layer.tar',
    mode: 0o777,
    uid: 0,
    gid: 0,
    mtime: 0,
    mtimeNs: 0,
  } as const
  const files = { 'a/VERSION': '1.0', 'a/layer.tar': TOP, 'b/layer.tar': BASE, 'c.json': config }
  const store = temporaryStore(t)
  const loaded = await loadArchive(store, once(tarOf({ ...files, 'manifest.json': JSON.stringify(manifest) }, [link])))
  assert.deepEqual(loaded[0]?.names, ['docker.io/library/app:1'])
  assert.equal((await store.images.open(loaded[0]?.id as Digest)).manifest.layers.length, 3)
})

const { config: CONFIG } = imageOf({ layers: [TOP] })
const dockerArchive = (files: Record<string, string | Buffer>, entry: object = {}) =>
  tarOf({
    'c.json': CONFIG,
    'l.tar': TOP,
    ...files,
    'manifest.json': JSON.stringify([{ Config: 'c.json', RepoTags: ['app:1'], Layers: ['l.tar'], ...entry }]),
  })

const HOSTILE: readonly (readonly [what: string, code: string, archive: Buffer])[] = [
  ['nothing', 'NOT_AN_ARCHIVE', Buffer.alloc(0)],
  ['a tar of something else', 'NOT_AN_ARCHIVE', tarOf({ 'etc/passwd': 'root' })],
  ['junk', 'NOT_AN_ARCHIVE', Buffer.from('hello')],
  ['junk in blocks', 'NOT_AN_ARCHIVE', Buffer.alloc(2048, 'junk')],
  ['junk in gzip', 'NOT_AN_ARCHIVE', gzipSync(Buffer.alloc(2048, 'junk'))],
  ['a damaged xz archive', 'ARCHIVE_DAMAGED', Buffer.from('fd377a585a000000', 'hex')],
  ['damaged gzip', 'ARCHIVE_DAMAGED', gzipSync(dockerArchive({})).fill(7, 20, 60)],
  ['a cut archive', 'TAR_TRUNCATED', dockerArchive({}).subarray(0, 700)],
  ['a member outside', 'TAR_PATH_ESCAPES', tarOf({ '../evil': 'x' })],
  ['a config outside', 'TAR_PATH_ESCAPES', dockerArchive({}, { Config: '../../etc/passwd' })],
  ['a layer that is not there', 'ARCHIVE_INCOMPLETE', dockerArchive({}, { Layers: ['other.tar'] })],
  ['a layer of another image', 'LAYER_DIFF_ID_MISMATCH', dockerArchive({ 'l.tar': tarOf({ evil: 'x' }) })],
  ['fewer layers than the config has', 'INVALID_MANIFEST', dockerArchive({}, { Layers: [] })],
  ['an impossible name', 'INVALID_REFERENCE', dockerArchive({}, { RepoTags: ['../../UP:1'] })],
  ['a manifest.json that is no list', 'INVALID_MANIFEST.JSON', tarOf({ 'manifest.json': '{}' })],
  [
    'a blob that is not what its name says',
    'BLOB_DIGEST_MISMATCH',
    tarOf({ [`blobs/sha256/${'0'.repeat(64)}`]: Buffer.alloc(100_000) }),
  ],
  [
    'an index that names no digest',
    'INVALID_INDEX',
    tarOf({
      'index.json': JSON.stringify({
        schemaVersion: 2,
        manifests: [{ mediaType: MediaType.ociManifest, digest: 'sha256:../../x', size: 1 }],
      }),
    }),
  ],
  [
    'a manifest with other bytes',
    'BLOB_DIGEST_MISMATCH',
    tarOf({
      'index.json': JSON.stringify({
        schemaVersion: 2,
        manifests: [{ mediaType: MediaType.ociManifest, digest: `sha256:${'1'.repeat(64)}`, size: 2 }],
      }),
      [`blobs/sha256/${'1'.repeat(64)}`]: '{}',
    }),
  ],
]

for (const [what, code, archive] of HOSTILE) {
  test(`${what} is refused with ${code}`, async t => {
    const store = temporaryStore(t)
    await assert.rejects(loadArchive(store, once(archive)), { code })
    assert.deepEqual(
      store.images.list().flatMap(image => image.names),
      [],
    )
  })
}

async function put(store: Store, image: TestImage, ...names: string[]): Promise<Digest> {
  const folder = tarOf({
    'index.json': JSON.stringify({
      schemaVersion: 2,
      manifests: [{ mediaType: image.mediaType, digest: image.digest, size: image.manifest.byteLength }],
    }),
    [`blobs/${image.digest.replace(':', '/')}`]: image.manifest,
    ...Object.fromEntries([...image.blobs].map(([digest, bytes]) => [`blobs/${digest.replace(':', '/')}`, bytes])),
  })
  await loadArchive(store, once(folder))
  for (const name of names) store.images.tag(name, image.digest, 'test')
  return image.digest
}

async function unpack(archive: AsyncIterable<Uint8Array>, folder: string): Promise<void> {
  const { readTar } = await import('../tar/read.ts')
  for await (const { header, content } of readTar(archive)) {
    if (header.kind === 'directory') await mkdir(join(folder, header.path), { recursive: true })
    else {
      const out = createWriteStream(join(folder, header.path))
      for await (const chunk of content) out.write(chunk)
      await new Promise<void>(resolve => out.end(resolve))
    }
  }
  assert.ok((await readFile(join(folder, 'oci-layout'))).byteLength > 0)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 1000) yield bytes.subarray(at, at + 1000)
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}
