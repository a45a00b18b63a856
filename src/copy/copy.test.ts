import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { sha256 } from '../oci/digest.ts'
import { MediaType } from '../oci/media-types.ts'
import { ANONYMOUS } from '../registry/client/credentials.ts'
import { createRegistryClient } from '../registry/client/registry.ts'
import { type FakeRegistry, fakeRegistry } from '../registry/client/testing.ts'
import { temporaryFolder, temporaryStore } from '../store/testing.ts'
import { imageOf, tarOf } from '../transfer/testing.ts'
import { type CopyOptions, copyImage } from './copy.ts'
import { openSource, openTarget } from './open.ts'
import { parsePlace } from './place.ts'

const LAYERS = [tarOf({ a: 'a', shared: 's' }), tarOf({ b: Buffer.alloc(300_000, 'b') })]
const IMAGE = imageOf({ layers: LAYERS })
const ARM = imageOf({ layers: [tarOf({ arm: 'arm' })], architecture: 'arm64' })
const AMD = { os: 'linux', architecture: 'amd64' }

async function setting(t: TestContext) {
  const [registry, other] = await Promise.all([fakeRegistry(t), fakeRegistry(t)])
  registry.addImage('app', '1', IMAGE)
  const folder = temporaryFolder(t)
  const store = temporaryStore(t)
  const client = createRegistryClient({ credentials: ANONYMOUS, env: {}, backOff: 1 })
  t.after(() => client.close())
  const copy = async (from: string, to: string, options: CopyOptions = {}, into = store) => {
    const lease = into.lease('test')
    try {
      const places = { store: into, lease, client }
      const source = await openSource(places, parsePlace(from))
      const target = await openTarget(places, parsePlace(to), source.imageName)
      return await copyImage(source, target, { platform: AMD, ...options })
    } finally {
      lease.end()
    }
  }
  return { registry, other, folder, store, copy, at: (kind: string, name: string) => `${kind}:${join(folder, name)}` }
}

type Kind = 'docker' | 'name' | 'oci' | 'oci-archive' | 'docker-archive'
const KINDS: readonly Kind[] = ['docker', 'name', 'oci', 'oci-archive', 'docker-archive']

for (const from of KINDS) {
  for (const to of KINDS) {
    test(`copied from ${from} to ${to}, and from there to a registry, the image is the same`, async t => {
      const { registry, other, copy, at } = await setting(t)
      const place = (kind: Kind, host: string, name: string) => {
        if (kind === 'docker') return `docker://${host}/${name}:1`
        return kind === 'name' ? `example.com/${name}:1` : at(kind, name)
      }
      const source = place(from, registry.host, 'app')
      if (from !== 'docker') await copy(`docker://${registry.host}/app:1`, source)
      const copied = await copy(source, place(to, other.host, 'target'))
      const last = await copy(place(to, other.host, 'target'), `docker://${other.host}/proof:1`)
      // A docker-archive has plain layers, over which another manifest is made.
      const [first, second] = [from, to].map(kind => kind !== 'docker-archive')
      assert.equal(copied.digest === IMAGE.digest, first)
      assert.equal(last.digest === IMAGE.digest, first && second)
      const manifest = JSON.parse(String(other.manifests.get('proof@1')?.raw))
      assert.equal(manifest.config.digest, sha256(IMAGE.config))
      for (const { digest } of [manifest.config, ...manifest.layers]) {
        assert.equal(sha256(other.blobs.get(`proof@${digest}`) ?? ''), digest)
      }
    })
  }
}

test('within a registry nothing is sent: blobs are mounted', async t => {
  const { registry, copy } = await setting(t)
  await copy(`docker://${registry.host}/app:1`, `docker://${registry.host}/team/other:2`)
  assert.deepEqual(registry.manifests.get('team/other@2')?.raw, IMAGE.manifest)
  const sent = registry.requests.filter(request => /^(?:PATCH|PUT) .*\/blobs\//.test(request))
  assert.deepEqual(sent, [])
  assert.equal(registry.requests.filter(request => request.startsWith('GET') && request.includes('/blobs/')).length, 0)
})

test('of an index one image is copied, or with all platforms all of it', async t => {
  const { registry, other, folder, copy, at } = await setting(t)
  const index = registry.addIndex('app', 'multi', [IMAGE, ARM])
  const from = `docker://${registry.host}/app:multi`
  assert.equal((await copy(from, `docker://${other.host}/one:1`)).digest, IMAGE.digest)
  const arm = await copy(from, `docker://${other.host}/arm:1`, { platform: { os: 'linux', architecture: 'arm64' } })
  assert.equal(arm.digest, ARM.digest)
  for (const to of [
    `docker://${other.host}/all:1`,
    at('oci', 'all'),
    at('oci-archive', 'all.tar'),
    'example.com/all:1',
  ]) {
    assert.equal((await copy(from, to, { allPlatforms: true })).digest, index)
  }
  for (const to of [at('oci', 'all'), at('oci-archive', 'all.tar'), 'example.com/all:1']) {
    const again = await copy(to, `docker://${other.host}/again:1`, { allPlatforms: true })
    assert.equal(again.digest, index, to)
  }
  assert.ok(existsSync(join(folder, 'all/blobs/sha256', ARM.digest.slice(7))))
  await assert.rejects(copy(from, at('docker-archive', 'all.tar'), { allPlatforms: true }), { code: 'ONE_PLATFORM' })
  await assert.rejects(copy(from, 'example.com/x:1', { platform: { os: 'linux', architecture: 's390x' } }), {
    code: 'NO_PLATFORM',
    hint: /linux\/amd64, linux\/arm64/,
  })
})

/** A signature of the image in the registry's list of referrers under a tag. */
function sign(registry: FakeRegistry) {
  const empty = Buffer.from('{}')
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    artifactType: 'application/vnd.example.signature',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: sha256(empty), size: 2 },
    layers: [],
    subject: { mediaType: MediaType.ociManifest, digest: IMAGE.digest, size: IMAGE.manifest.byteLength },
  }
  const raw = Buffer.from(JSON.stringify(manifest))
  const descriptor = { mediaType: MediaType.ociManifest, digest: sha256(raw), size: raw.byteLength }
  const list = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [descriptor] }
  registry.blobs.set(`app@${sha256(empty)}`, empty)
  registry.manifests.set(`app@${descriptor.digest}`, { mediaType: MediaType.ociManifest, raw })
  const tag = IMAGE.digest.replace(':', '-')
  registry.manifests.set(`app@${tag}`, { mediaType: MediaType.ociIndex, raw: Buffer.from(JSON.stringify(list)) })
  return { digest: descriptor.digest, tag, raw }
}

test('signatures are copied with --referrers, from a list by tag to a list by tag', async t => {
  const { registry, other, copy } = await setting(t)
  const { digest, tag, raw } = sign(registry)
  await copy(`docker://${registry.host}/app:1`, `docker://${other.host}/without:1`)
  assert.equal(other.manifests.has(`without@${digest}`), false)
  await copy(`docker://${registry.host}/app:1`, `docker://${other.host}/with:1`, { referrers: true })
  assert.deepEqual(other.manifests.get(`with@${digest}`)?.raw, raw)
  const [entry] = JSON.parse(String(other.manifests.get(`with@${tag}`)?.raw)).manifests
  assert.equal(entry.digest, digest)
  assert.equal(entry.artifactType, 'application/vnd.example.signature')
})

test('a registry that lists referrers is asked, and one that says that it will is told by no tag', async t => {
  const { registry, other, copy } = await setting(t)
  const { digest, tag } = sign(registry)
  const list = registry.manifests.get(`app@${tag}`)?.raw
  registry.manifests.delete(`app@${tag}`)
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/referrers/')) return false
    const asked = request.url.endsWith(IMAGE.digest)
    response.end(asked ? list : '{"schemaVersion":2,"manifests":[]}')
    return true
  }
  other.intercept = (request, response) => {
    if (request.method === 'PUT' && request.url?.endsWith(digest)) response.setHeader('oci-subject', IMAGE.digest)
    return false
  }
  await copy(`docker://${registry.host}/app:1`, `docker://${other.host}/with:1`, { referrers: true })
  assert.ok(other.manifests.has(`with@${digest}`))
  assert.equal(other.manifests.has(`with@${tag}`), false)
})

test('a layout keeps signatures too, and so does the store', async t => {
  const { registry, other, copy, at } = await setting(t)
  const { digest } = sign(registry)
  const from = `docker://${registry.host}/app:1`
  for (const layout of [at('oci', 'signed'), at('oci-archive', 'signed.tar'), 'example.com/app:1']) {
    await copy(from, layout, { referrers: true })
    const to = `docker://${other.host}/from-layout:1`
    other.manifests.clear()
    await copy(layout.startsWith('oci') ? `${layout}:1` : layout, to, { referrers: true })
    assert.ok(other.manifests.has(`from-layout@${digest}`), layout)
  }
})

test('one image of several is named by its tag or its complete name', async t => {
  const { registry, copy, at } = await setting(t)
  registry.addImage('app', 'arm', ARM)
  const layout = at('oci', 'several')
  await copy(`docker://${registry.host}/app:1`, `${layout}:first`)
  await copy(`docker://${registry.host}/app:arm`, layout)
  const store = temporaryStore(t)
  assert.equal((await copy(`${layout}:first`, 'example.com/x:1', {}, store)).digest, IMAGE.digest)
  assert.equal((await copy(`${layout}:${registry.host}/app:arm`, 'example.com/x:2', {}, store)).digest, ARM.digest)
  await assert.rejects(copy(layout, 'example.com/x:3'), { code: 'IMAGE_AMBIGUOUS', hint: /first, .*app:arm/ })
  await assert.rejects(copy(`${layout}:none`, 'example.com/x:3'), { code: 'IMAGE_NOT_FOUND' })
})

test('bytes that are not what their digest says arrive nowhere', async t => {
  const { registry, other, folder, copy, at } = await setting(t)
  const [, layer] = JSON.parse(IMAGE.manifest.toString()).layers
  const bytes = Buffer.from(registry.blobs.get(`app@${layer.digest}`) ?? '')
  bytes[20] = (bytes[20] ?? 0) ^ 1
  registry.blobs.set(`app@${layer.digest}`, bytes)
  const from = `docker://${registry.host}/app:1`
  await assert.rejects(copy(from, at('oci', 'bad')), { code: 'BLOB_DIGEST_MISMATCH' })
  assert.equal(existsSync(join(folder, 'bad/index.json')), false)
  await assert.rejects(copy(from, at('oci-archive', 'bad.tar')), { code: 'BLOB_DIGEST_MISMATCH' })
  assert.equal(existsSync(join(folder, 'bad.tar')), false)
  await assert.rejects(copy(from, `docker://${other.host}/bad:1`), /DIGEST_INVALID/)
  assert.equal(other.manifests.size, 0)
  await assert.rejects(copy(from, 'example.com/bad:1'))
})

test('layers that are kept elsewhere stay there', async t => {
  const { registry, other, copy, folder, at } = await setting(t)
  const foreign = {
    mediaType: MediaType.dockerForeignLayer,
    digest: sha256('foreign'),
    size: 7,
    urls: ['https://example.com/layer'],
  }
  const own = JSON.parse(IMAGE.manifest.toString())
  const raw = Buffer.from(JSON.stringify({ ...own, layers: [foreign, ...own.layers] }))
  registry.manifests.set('app@win', { mediaType: MediaType.ociManifest, raw })
  registry.manifests.set(`app@${sha256(raw)}`, { mediaType: MediaType.ociManifest, raw })
  await copy(`docker://${registry.host}/app:win`, `docker://${other.host}/win:1`)
  assert.deepEqual(other.manifests.get('win@1')?.raw, raw)
  assert.equal(other.blobs.has(`win@${foreign.digest}`), false)
  await copy(`docker://${registry.host}/app:win`, at('oci', 'win'))
  assert.deepEqual(readFileSync(join(folder, 'win/blobs/sha256', sha256(raw).slice(7))), raw)
})

test('a folder that is no layout is left alone', async t => {
  const { registry, folder, copy, at } = await setting(t)
  await copy(`docker://${registry.host}/app:1`, at('oci-archive', 'sub.tar'))
  await assert.rejects(copy(`docker://${registry.host}/app:1`, `oci:${folder}`), { code: 'NOT_A_LAYOUT' })
})

const PLACES: readonly (readonly [text: string, expected: object])[] = [
  ['docker://debian', { kind: 'registry' }],
  ['debian:12', { kind: 'name', text: 'debian:12' }],
  ['oci:dir', { kind: 'oci', path: 'dir', name: undefined }],
  ['oci:dir:1.0', { kind: 'oci', path: 'dir', name: '1.0' }],
  ['oci:dir:app:1.0', { kind: 'oci', path: 'dir', name: 'docker.io/library/app:1.0' }],
  ['oci-archive:a.tar:1', { kind: 'oci-archive', path: 'a.tar', name: '1' }],
  ['docker-archive:a.tar:app', { kind: 'docker-archive', path: 'a.tar', name: 'docker.io/library/app:latest' }],
]

for (const [text, expected] of PLACES) {
  test(`${text} is read`, () => {
    const place = parsePlace(text)
    assert.deepEqual(
      { ...place, ...(place.kind === 'registry' && { reference: undefined }) },
      {
        ...expected,
        ...(place.kind === 'registry' && { reference: undefined }),
      },
    )
  })
}

for (const [text, why] of [
  ['oci:', /is followed by a path/],
  ['dir:x', /dir: is not supported/],
  ['docker-daemon:app:1', /docker-daemon: is not supported/],
  ['dokcer://app', /did you mean docker\?/],
] as const) {
  test(`${text} is refused`, () => {
    assert.throws(() => parsePlace(text), { code: 'INVALID_PLACE', message: why })
  })
}
