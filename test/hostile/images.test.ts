import assert from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Digest, sha256 } from '../../src/oci/digest.ts'
import { MediaType } from '../../src/oci/media-types.ts'
import { fakeRegistry } from '../../src/registry/client/testing.ts'
import { imageOf, type TestImage, tarOf } from '../../src/transfer/testing.ts'
import { bench } from './bench.ts'

const LAYER = tarOf({ 'etc/os': 'x' })
const GOOD = imageOf({ layers: [LAYER] })

type Json = Record<string, unknown>
const parse = (bytes: Buffer): Json => JSON.parse(bytes.toString())

/** The good image with its manifest changed. */
function withManifest(change: (manifest: Json) => unknown, image = GOOD): TestImage {
  const manifest = Buffer.from(JSON.stringify(change(parse(image.manifest))))
  return { ...image, manifest, digest: sha256(manifest) }
}

/** The good image with another config, which the manifest describes truly. */
function withConfig(config: Buffer): TestImage {
  const blobs = new Map([...GOOD.blobs, [sha256(config), config] as const])
  const described = { mediaType: MediaType.ociConfig, digest: sha256(config), size: config.byteLength }
  return withManifest(manifest => ({ ...manifest, config: described }), { ...GOOD, config, blobs })
}

const changedConfig = (change: (config: Json) => unknown) =>
  withConfig(Buffer.from(JSON.stringify(change(parse(GOOD.config)))))

function firstLayer(manifest: Json): Json {
  return (manifest.layers as readonly Json[])[0] as Json
}

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

const ROWS: readonly (readonly [what: string, image: TestImage, refused: RegExp])[] = [
  [
    'diff IDs lie',
    changedConfig(config => ({ ...config, rootfs: { type: 'layers', diff_ids: [`sha256:${'1'.repeat(64)}`] } })),
    /layer sha256:[0-9a-f]{64}: .*sha256:1111/,
  ],
  [
    'diff IDs are fewer than layers',
    changedConfig(config => ({ ...config, rootfs: { type: 'layers', diff_ids: [] } })),
    /1 layers, but its config 0/,
  ],
  [
    'layer is smaller than its manifest says',
    withManifest(manifest => ({ ...manifest, layers: [{ ...firstLayer(manifest), size: 1_000_000 }] })),
    /sha256:[0-9a-f]{64}.*1000000 bytes/,
  ],
  [
    'layer is larger than its manifest says',
    withManifest(manifest => ({ ...manifest, layers: [{ ...firstLayer(manifest), size: 10 }] })),
    /sha256:[0-9a-f]{64}.*10\b/,
  ],
  [
    'size is negative',
    withManifest(manifest => ({ ...manifest, layers: [{ ...firstLayer(manifest), size: -1 }] })),
    /manifest at layers\.0\.size/,
  ],
  [
    'config is no config',
    withManifest(manifest => ({ ...manifest, config: { ...(manifest.config as Json), mediaType: 'text/plain' } })),
    /not a container image but "text\/plain"/,
  ],
  ['config is no JSON', withConfig(Buffer.from('hello')), /image config is not valid JSON/],
  ['config is a list', withConfig(Buffer.from('[]')), /invalid image config/],
  ['config has 9 MB', withConfig(Buffer.alloc(9_000_000, ' ')), /sha256:[0-9a-f]{64} has 9000000 bytes/],
  [
    'digest leads elsewhere',
    withManifest(manifest => ({
      ...manifest,
      layers: [{ ...firstLayer(manifest), digest: 'sha256:../../etc/passwd' }],
    })),
    /manifest at layers\.0\.digest/,
  ],
  [
    'layers are ten thousand',
    withManifest(manifest => ({ ...manifest, layers: Array.from({ length: 10_000 }, () => firstLayer(manifest)) })),
    /invalid manifest at layers/,
  ],
  [
    'manifest is an index of itself',
    withManifest(() => ({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [descriptor(GOOD.digest)] })),
    /mediaType|manifest says it is|announced as/,
  ],
]

function descriptor(digest: Digest): Json {
  return { mediaType: MediaType.ociIndex, digest, size: 100 }
}

function archiveOf(image: TestImage): Buffer {
  const { mediaType, digest, manifest } = image
  return tarOf({
    'oci-layout': '{"imageLayoutVersion":"1.0.0"}',
    'index.json': JSON.stringify({
      schemaVersion: 2,
      manifests: [
        {
          mediaType,
          digest,
          size: manifest.byteLength,
          annotations: { 'io.containerd.image.name': 'docker.io/library/hostile:1' },
        },
      ],
    }),
    [`blobs/${digest.replace(':', '/')}`]: manifest,
    ...Object.fromEntries([...image.blobs].map(([name, bytes]) => [`blobs/${name.replace(':', '/')}`, bytes])),
  })
}

for (const [what, image, refused] of ROWS) {
  test(`an image whose ${what} is refused, loaded or pulled`, async t => {
    const { call, folder, checkOutside, checkStoreEmpty } = await bench(t)
    const archive = join(folder, 'image.tar')
    await writeFile(archive, archiveOf(image))
    const registry = await fakeRegistry(t)
    registry.addImage('hostile', '1', image)
    for (const args of [
      ['load', '-i', archive],
      ['pull', `${registry.host}/hostile:1`],
    ]) {
      const { code, stderr } = await call(args)
      assert.equal(code, 1, stderr)
      assert.match(stderr, refused)
      await checkStoreEmpty()
    }
    await checkOutside()
  })
}

test('an image with JSON nested a hundred thousand deep is refused or can be looked at', async t => {
  const { call, folder } = await bench(t)
  const archive = join(folder, 'image.tar')
  const deep = GOOD.config.toString().replace(/^\{/, `{"deep":${nested(100_000)},`)
  await writeFile(archive, archiveOf(withConfig(Buffer.from(deep))))
  const loaded = await call(['load', '-i', archive])
  if (loaded.code === 0) {
    for (const args of [['inspect', 'hostile:1'], ['history', 'hostile:1'], ['images']]) {
      assert.equal((await call(args)).code, 0)
    }
  } else assert.match(loaded.stderr, /image config.*(deep|nest)/)
})

test('indexes that name each other are refused, not followed', async t => {
  const { call, checkStoreEmpty } = await bench(t)
  const registry = await fakeRegistry(t)
  const raw = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [descriptor(GOOD.digest)] }),
  )
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/manifests/')) return false
    response.setHeader('content-type', MediaType.ociIndex).end(raw)
    return true
  }
  const { code, stderr } = await call(['pull', `${registry.host}/loop:1`])
  assert.equal(code, 1, stderr)
  assert.match(stderr, /loop/)
  assert.ok(registry.requests.length < 10)
  await checkStoreEmpty()
})

test('a manifest without an end is cut off', async t => {
  const { call, checkStoreEmpty } = await bench(t)
  const registry = await fakeRegistry(t)
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/manifests/')) return false
    response.setHeader('content-type', MediaType.ociManifest)
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(1 << 20, ' '))) {}
      if (!response.destroyed) response.once('drain', more)
    }
    more()
    return true
  }
  const { code, stderr } = await call(['pull', `${registry.host}/endless:1`])
  assert.equal(code, 1)
  assert.match(stderr, /sent more than 8388608 bytes/)
  await checkStoreEmpty()
})

test('a layout whose blobs are symbolic links to outside gives nothing but what its digests say', async t => {
  const { call, canary, folder, checkOutside, checkStoreEmpty } = await bench(t)
  const layout = join(folder, 'layout')
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true })
  const { digest, manifest, mediaType } = GOOD
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType, digest, size: manifest.byteLength }] }),
  )
  await writeFile(join(layout, 'blobs', digest.replace(':', '/')), manifest)
  for (const target of [canary, '/dev/zero', 'loop']) {
    for (const name of GOOD.blobs.keys())
      await symlink(target, join(layout, `blobs/${name.replace(':', '/')}`)).catch(() => {})
    const { code, stderr } = await call(['load', '-i', layout])
    assert.equal(code, 1, stderr)
    assert.match(stderr, /sha256[:/][0-9a-f]{64}/)
    assert.doesNotMatch(stderr, /alive/)
  }
  await checkStoreEmpty()
  await checkOutside()
})
