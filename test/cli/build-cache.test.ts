import assert from 'node:assert/strict'
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { sha256 } from '../../src/oci/digest.ts'
import { type FakeRegistry, fakeRegistry } from '../../src/registry/client/testing.ts'
import { imageOf, tarOf } from '../../src/transfer/testing.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'

/** Two stages; the image has a layer that a stage made and two from the context. */
const STAGES = `FROM scratch AS build
COPY src /src
FROM scratch
COPY --from=build /src/a /app/
COPY b /b
WORKDIR /work
`

async function setting(t: TestContext, dockerfile = STAGES) {
  const [registry, context] = await Promise.all([fakeRegistry(t), tmp(t)])
  await fixtureTree(context, { Dockerfile: dockerfile, 'src/a': 'a', 'src/unused': 'u', b: 'b' })
  const cache = `${registry.host}/team/app:cache`
  const build = async (call: Shale, ...args: readonly string[]) => {
    const { code, stdout, stderr } = await call(['build', '--progress', 'plain', ...args, context])
    return { code, stdout, stderr, id: /^Built \(([0-9a-f]+)\)/m.exec(stderr)?.[1] }
  }
  const stores = { a: await shale(t), b: await shale(t), c: await shale(t) }
  return { registry, context, cache, build, ...stores }
}

/** What the cache's manifest holds. */
function cacheOf({ manifests, blobs }: FakeRegistry, tag = 'cache') {
  const { raw = Buffer.from('{}') } = manifests.get(`team/app@${tag}`) ?? {}
  const manifest = JSON.parse(raw.toString())
  const records = JSON.parse(blobs.get(`team/app@${manifest.config?.digest}`)?.toString() ?? '{}')
  return { manifest, records }
}

const writes = ({ requests }: FakeRegistry) => requests.filter(request => /^(?:POST|PATCH) /.test(request))

test('steps that another store has cached are hits in an empty one, and the digest is the same', async t => {
  const { registry, cache, build, a, b } = await setting(t)
  const first = await build(a, '--cache-to', `type=registry,ref=${cache},mode=max`)
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stderr, / exporting cache to 127\S*:cache\n/)
  const second = await build(b, '--cache-from', `type=registry,ref=${cache}`)
  assert.equal(second.code, 0, second.stderr)
  assert.match(second.stderr, / importing cache manifest from 127\S*:cache\n/)
  assert.match(second.stderr, /every step came from the cache/)
  assert.equal(second.id, first.id)

  const { manifest, records } = cacheOf(registry)
  assert.equal(manifest.mediaType, 'application/vnd.oci.image.manifest.v1+json')
  assert.equal(manifest.config.mediaType, 'application/vnd.shale.cache.config.v1+json')
  assert.equal(manifest.layers.length, 4)
  assert.deepEqual(records.steps.map(({ kind }: { kind: string }) => kind).toSorted(), [
    ...['copy', 'copy', 'copy', 'image', 'workdir'],
  ])
})

test('a RUN comes from the cache, and what stands on it can be run', async t => {
  const { cache, context, build, a, b } = await setting(
    t,
    'FROM scratch\nCOPY busybox /\nRUN echo made > /made\nCOPY b /b\nRUN cat /made /b\n',
  )
  await cp(await busyboxRootfs(), join(context, 'busybox'), { recursive: true, verbatimSymlinks: true })
  const first = await build(a, '--cache-to', cache)
  assert.equal(first.code, 0, first.stderr)
  await writeFile(join(context, 'b'), 'other')
  const second = await build(b, '--cache-from', cache)
  assert.equal(second.code, 0, second.stderr)
  assert.match(second.stderr, /\] RUN echo made > \/made\n#\d+ CACHED/)
  assert.match(second.stderr, /\] COPY b \/b\n#\d+ DONE .*\(b changed \(content\)\)/)
  assert.match(second.stderr, /made\n(?:#\d+ \S+ )?other/)
  assert.match(second.stderr, /: 2 ran, 2 cached/)
})

test('in a store that never built it, only what changed runs, and says why', async t => {
  const { cache, context, build, a, c } = await setting(t)
  await build(a, '--cache-to', `type=registry,ref=${cache},mode=max`)
  await writeFile(join(context, 'b'), 'changed')
  const { stderr } = await build(c, '--cache-from', cache)
  assert.match(stderr, /: 1 ran, 3 cached\nRan:\n {2}\[stage-1 2\/3\] COPY b \/b: b changed \(content\)\n/)
})

test('a build of hits asks no registry', async t => {
  const { registry, cache, build, a } = await setting(t)
  await build(a)
  const { stderr } = await build(a, '--cache-from', cache)
  assert.match(stderr, /every step came from the cache/)
  assert.deepEqual(registry.requests, [])
})

test('what the registry has is not sent again', async t => {
  const { registry, cache, context, build, a, b } = await setting(t)
  const to = ['--cache-to', `type=registry,ref=${cache},mode=max`]
  await build(a, ...to)
  const before = writes(registry).length
  await build(a, ...to)
  await build(b, '--cache-from', cache, ...to)
  assert.equal(writes(registry).length, before)
  await writeFile(join(context, 'b'), 'changed')
  await build(b, ...to)
  // The changed layer and the records.
  assert.equal(writes(registry).length, before + 2)
})

test('mode=min keeps the steps of the image alone', async t => {
  const { registry, cache, build, a, b } = await setting(t)
  const first = await build(a, '--cache-to', cache)
  assert.equal(cacheOf(registry).manifest.layers.length, 3)
  const second = await build(b, '--cache-from', cache)
  assert.match(second.stderr, /: 1 ran, 3 cached\nRan:\n {2}\[build 1\/1\] COPY src \/src: first build here\n/)
  assert.equal(second.id, first.id)
})

test('layers are on their way while the build goes on; a build that fails names no cache', async t => {
  const { registry, cache, context, build, a } = await setting(
    t,
    'FROM scratch\nCOPY busybox /\nARG WAIT\nRUN wget -q -O /dev/null "$WAIT"\nRUN false\n',
  )
  await cp(await busyboxRootfs(), join(context, 'busybox'), { recursive: true, verbatimSymlinks: true })
  const layer = Promise.withResolvers<void>()
  registry.intercept = async (request, response) => {
    if (request.url === '/wait') {
      await layer.promise
      response.end()
      return true
    }
    if (request.method === 'PUT') response.once('finish', layer.resolve)
    return false
  }
  const wait = ['--network', 'host', '--build-arg', `WAIT=http://${registry.host}/wait`]
  const { code, stderr } = await build(a, ...wait, '--cache-to', cache)
  assert.equal(code, 1)
  assert.match(stderr, /RUN false/)
  assert.ok(registry.requests.includes('GET /wait'))
  // The wait ended when the first layer had arrived.
  assert.ok(registry.blobs.size >= 1)
  assert.equal(registry.manifests.size, 0)
})

for (const [compression, type] of [
  ['gzip', 'application/vnd.oci.image.layer.v1.tar+gzip'],
  ['uncompressed', 'application/vnd.oci.image.layer.v1.tar'],
] as const) {
  test(`compression=${compression} is that of the cache alone`, async t => {
    const { registry, cache, build, a, b } = await setting(t)
    const first = await build(a, '--cache-to', `type=registry,ref=${cache},mode=max,compression=${compression}`)
    const types = cacheOf(registry).manifest.layers.map(({ mediaType }: { mediaType: string }) => mediaType)
    assert.deepEqual(new Set(types), new Set([type]))
    const second = await build(b, '--cache-from', cache)
    assert.match(second.stderr, /every step came from the cache/)
    assert.equal(second.id, first.id)
  })
}

test('type=local keeps the cache in an OCI layout', async t => {
  const { build, a, b } = await setting(t)
  const folder = join(await tmp(t), 'cache')
  const first = await build(a, '--cache-to', `type=local,dest=${folder},mode=max`)
  assert.equal(first.code, 0, first.stderr)
  const second = await build(b, '--cache-from', `type=local,src=${folder}`)
  assert.match(second.stderr, /every step came from the cache/)
  assert.equal(second.id, first.id)
})

test('with SOURCE_DATE_EPOCH the digest is the same, too', async t => {
  const { cache, build, a, b } = await setting(t)
  const env = { SOURCE_DATE_EPOCH: '1000000000' }
  const dated = (call: Shale): Shale => Object.assign((args: readonly string[]) => call(args, { env }), { root: '' })
  const first = await build(dated(a), '--cache-to', `type=registry,ref=${cache},mode=max`)
  const second = await build(dated(b), '--cache-from', cache)
  assert.match(second.stderr, /every step came from the cache/)
  assert.equal(second.id, first.id)
})

test('several caches are looked through in their order', async t => {
  const { registry, cache, build, a, b } = await setting(t)
  await build(a, '--cache-to', `type=registry,ref=${cache},mode=max`)
  const other = `${registry.host}/team/app:none`
  const { stderr } = await build(b, '--cache-from', other, '--cache-from', cache)
  assert.match(stderr, /^Warning: cannot use the cache 127\S*:none: .*HTTP 404/m)
  assert.match(stderr, /every step came from the cache/)
})

/** What happens to a cache that another store wrote. */
const DAMAGES: Readonly<Record<string, readonly [(registry: FakeRegistry) => void, warning: RegExp]>> = {
  'that is not there': [({ manifests }) => manifests.clear(), /cannot use the cache 127\S*: .*HTTP 404/],
  'whose registry fails': [
    registry => {
      registry.intercept = (_, response) => {
        response.writeHead(403).end()
        return true
      }
    },
    /HTTP 403/,
  ],
  'that is an image': [
    registry => registry.addImage('team/app', 'cache', imageOf({ layers: [tarOf({ a: 'a' })] })),
    /it is no cache of Shale but "application\/vnd.oci.image.config.v1\+json"/,
  ],
  'that is an index': [
    registry => registry.addIndex('team/app', 'cache', [imageOf({ layers: [tarOf({ a: 'a' })] })]),
    /it is no cache of Shale but an index/,
  ],
  'with a manifest that is none': [
    ({ manifests }) => manifests.set('team/app@cache', { mediaType: OCI_MANIFEST, raw: Buffer.from('{"a"') }),
    /is not valid JSON/,
  ],
  'with damaged records': [
    ({ blobs, ...registry }) => {
      const key = `team/app@${cacheOf({ blobs, ...registry }).manifest.config.digest}`
      blobs.set(key, damaged(blobs.get(key)))
    },
    /is not what its digest says/,
  ],
  'with records that are none': [
    registry => rewrite(registry, () => ({ schemaVersion: 1, steps: 7 })),
    /invalid cache records at steps/,
  ],
  'of another version': [
    registry =>
      rewrite(registry, records => ({
        ...records,
        steps: records.steps.map(step => ({ ...step, ingredients: [{ name: 'x', value: '' }] })),
      })),
    /the key of "[^"]+" is not made as here/,
  ],
  'without its layers': [({ blobs }) => deleteLayers(blobs), /is of no use for "COPY b \/b": .*BLOB_UNKNOWN/],
  'with damaged layers': [
    ({ blobs, ...registry }) => {
      for (const { digest } of cacheOf({ blobs, ...registry }).manifest.layers) {
        blobs.set(`team/app@${digest}`, damaged(blobs.get(`team/app@${digest}`)))
      }
    },
    /is of no use for "COPY b \/b"/,
  ],
  'whose records name the layers of others': [
    registry =>
      rewrite(registry, records => {
        const layers = records.steps.flatMap(({ layer }) => layer ?? [])
        const next = (layer: unknown) => layers[(layers.indexOf(layer as never) + 1) % layers.length]
        const steps = records.steps.map(step => (step.layer ? { ...step, layer: next(step.layer) } : step))
        return { ...records, steps }
      }),
    /holds other files than its record says/,
  ],
  'whose records name another diff ID': [
    registry =>
      rewrite(registry, records => ({
        ...records,
        steps: records.steps.map(step =>
          step.layer ? { ...step, layer: { ...step.layer, diffId: sha256('') } } : step,
        ),
      })),
    /is of no use for "COPY b \/b": .*plain tar has digest/,
  ],
  'that lacks layers in its manifest': [
    registry =>
      rewrite(
        registry,
        records => records,
        () => [],
      ),
    /its manifest lacks the layer sha256:/,
  ],
}

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

interface Records {
  readonly steps: readonly { readonly layer?: object }[]
}

/** Replaces the records, digests and all, as somebody could who may write there. */
function rewrite(
  registry: FakeRegistry,
  change: (records: Records) => object,
  layersOf = (layers: readonly object[]): readonly object[] => layers,
): void {
  const { manifest, records } = cacheOf(registry)
  const config = Buffer.from(JSON.stringify(change(records)))
  const descriptor = { ...manifest.config, digest: sha256(config), size: config.byteLength }
  const raw = Buffer.from(JSON.stringify({ ...manifest, config: descriptor, layers: layersOf(manifest.layers) }))
  registry.blobs.set(`team/app@${sha256(config)}`, config)
  registry.manifests.set('team/app@cache', { mediaType: OCI_MANIFEST, raw })
}

function damaged(bytes: Buffer = Buffer.alloc(0)): Buffer {
  const copy = Buffer.from(bytes)
  copy[20] = (copy[20] ?? 0) ^ 0xff
  return copy
}

function deleteLayers(blobs: FakeRegistry['blobs']): void {
  for (const [key, bytes] of blobs) if (bytes[0] !== 0x7b) blobs.delete(key)
}

test('a cache that is damaged or none is a warning, and never a wrong image', async t => {
  const { registry, cache, build, a } = await setting(t)
  const env = { SOURCE_DATE_EPOCH: '1000000000' }
  const dated = (call: Shale): Shale => Object.assign((args: readonly string[]) => call(args, { env }), { root: '' })
  const first = await build(dated(a), '--cache-to', `type=registry,ref=${cache},mode=max`)
  assert.equal(first.code, 0, first.stderr)
  const whole = { manifests: [...registry.manifests], blobs: [...registry.blobs] }
  for (const [what, [damage, warning]] of Object.entries(DAMAGES)) {
    await t.test(`a cache ${what}`, async t => {
      for (const [key, value] of whole.manifests) registry.manifests.set(key, value)
      for (const [key, value] of whole.blobs) registry.blobs.set(key, value)
      registry.intercept = undefined
      damage(registry)
      const second = await build(dated(await shale(t)), '--cache-from', cache)
      assert.equal(second.code, 0, second.stderr)
      assert.match(second.stderr, warning)
      assert.match(second.stderr, /^Warning: /m)
      assert.match(second.stderr, /: 4 ran, 0 cached/)
      assert.equal(second.id, first.id)
    })
  }
})

test('a cache that cannot be written is an error, and the image stays; with ignore-error it is a warning', async t => {
  const { registry, cache, build, a } = await setting(t)
  registry.intercept = (request, response) => {
    if (request.method !== 'POST') return false
    response.writeHead(403).end()
    return true
  }
  const failed = await build(a, '-t', 'app', '--cache-to', cache)
  assert.equal(failed.code, 1)
  assert.match(failed.stderr, /ERROR: cannot upload blob .*HTTP 403/)
  assert.equal((await a(['images', '-q', 'app'])).stdout.trim().length, 12)
  const warned = await build(a, '--cache-to', `type=registry,ref=${cache},ignore-error=true`)
  assert.equal(warned.code, 0, warned.stderr)
  assert.match(warned.stderr, /the cache 127\S*:cache was not written: cannot upload blob/)
})

test('--offline warns of a cache that it cannot read, and refuses to write one before anything is built', async t => {
  const { registry, cache, build, a } = await setting(t)
  const offline = (args: readonly string[]) => a(['--offline', ...args])
  const call = Object.assign(offline, { root: a.root })
  const read = await build(call, '--cache-from', cache)
  assert.equal(read.code, 0, read.stderr)
  assert.match(read.stderr, /cannot use the cache 127\S*:cache: .*--offline/)
  const written = await build(call, '--cache-to', cache)
  assert.deepEqual([written.code, written.id], [1, undefined])
  assert.match(written.stderr, /^ERROR: cannot write the cache 127\S*:cache: --offline keeps from using the network/)
  assert.deepEqual(registry.requests, [])
})

for (const [flag, value, message] of [
  ['--cache-to', 'type=inline', /--cache-to type=inline is not supported/],
  ['--cache-from', 'type=gha', /--cache-from type=gha is not supported/],
  ['--cache-to', 'type=registry', /invalid --cache-to "type=registry": ref is missing/],
] as const) {
  test(`build ${flag} ${value} is refused by name`, async t => {
    const { build, a } = await setting(t)
    const { code, stderr } = await build(a, flag, value)
    assert.notEqual(code, 0)
    assert.match(stderr, message)
  })
}
