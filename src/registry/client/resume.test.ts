import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { sha256 } from '../../oci/digest.ts'
import { temporaryStore } from '../../store/testing.ts'
import { imageOf, tarOf } from '../../transfer/testing.ts'
import { ANONYMOUS } from './credentials.ts'
import { pullImage } from './pull.ts'
import { createRegistryClient } from './registry.ts'
import { type FakeRegistry, fakeRegistry, sendError } from './testing.ts'
import { uploadBlob } from './upload.ts'
import { uploadMemory } from './upload-memory.ts'

const MIB = 1024 * 1024
const LARGE = imageOf({ layers: [tarOf({ large: randomBytes(4 * MIB) })], compression: 'none' })
const [LAYER = ''] = [...LARGE.blobs].flatMap(([digest, bytes]) => (bytes.byteLength > MIB ? [digest] : []))

function clientOf(t: TestContext, attempts = 5) {
  const client = createRegistryClient({ credentials: ANONYMOUS, env: {}, wait: async () => undefined, attempts })
  t.after(() => client.close())
  return client
}

/** Gives half of the layer and cuts the connection, and from then on nothing any more. */
function cutInTheMiddle(registry: FakeRegistry): void {
  let cut = false
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith(LAYER)) return false
    if (cut) return sendError(response, 500, 'UNKNOWN')
    cut = true
    const bytes = registry.blobs.get(`app@${LAYER}`) ?? Buffer.alloc(0)
    response.writeHead(200, { 'content-length': bytes.byteLength })
    response.write(bytes.subarray(0, 2 * MIB), () => setImmediate(() => response.destroy()))
    return true
  }
}

/** The `range` of each request for the layer from now on. */
function rangesOf(registry: FakeRegistry): (string | undefined)[] {
  const ranges: (string | undefined)[] = []
  registry.intercept = request => {
    if (request.method === 'GET' && request.url?.endsWith(LAYER)) ranges.push(request.headers.range)
    return false
  }
  return ranges
}

async function interrupted(t: TestContext) {
  const registry = await fakeRegistry(t)
  registry.addImage('app', '1', LARGE)
  const store = temporaryStore(t)
  const name = `${registry.host}/app:1`
  cutInTheMiddle(registry)
  await assert.rejects(pullImage(store, name, { client: clientOf(t, 1) }), { code: 'REGISTRY_FAILED' })
  return { registry, store, name, parts: () => readdirSync(join(store.root, 'partial')) }
}

test('a pull that broke off goes on with the bytes that it has, and leaves no part behind', async t => {
  const { registry, store, name, parts } = await interrupted(t)
  assert.equal(parts().length, 2, 'a part, and where it came from')
  const ranges = rangesOf(registry)
  assert.equal((await pullImage(store, name, { client: clientOf(t) })).digest, LARGE.digest)
  assert.equal(ranges.length, 1)
  const [, from] = /^bytes=(\d+)-$/.exec(ranges[0] ?? '') ?? []
  assert.ok(Number(from) > MIB && Number(from) <= 2 * MIB, String(ranges[0]))
  assert.deepEqual(parts(), [])
  assert.deepEqual(
    await store.blobs.read(LAYER as `sha256:${string}`).then(bytes => bytes.byteLength),
    LARGE.blobs.get(LAYER as `sha256:${string}`)?.byteLength,
  )
})

test('a part that is damaged costs a second download, not the pull', async t => {
  const { registry, store, name, parts } = await interrupted(t)
  const part = parts().find(file => !file.endsWith('.from')) ?? ''
  const file = openSync(join(store.root, 'partial', part), 'r+')
  writeSync(file, 'damage', 100_000)
  closeSync(file)
  const ranges = rangesOf(registry)
  await pullImage(store, name, { client: clientOf(t) })
  assert.equal(ranges.length, 2)
  assert.equal(ranges[1], undefined)
  assert.deepEqual(parts(), [])
})

test('a registry that ignores the range is no trouble', async t => {
  const { registry, store, name } = await interrupted(t)
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith(LAYER)) return false
    response.end(registry.blobs.get(`app@${LAYER}`))
    return true
  }
  assert.equal((await pullImage(store, name, { client: clientOf(t) })).digest, LARGE.digest)
})

test('of a registry that sends other bytes than it should nothing is kept', async t => {
  const registry = await fakeRegistry(t)
  registry.addImage('app', '1', LARGE)
  const store = temporaryStore(t)
  registry.blobs.set(`app@${LAYER}`, Buffer.concat([registry.blobs.get(`app@${LAYER}`) as Buffer, Buffer.alloc(10)]))
  await assert.rejects(pullImage(store, `${registry.host}/app:1`, { client: clientOf(t) }), {
    code: 'BLOB_SIZE_MISMATCH',
  })
  assert.deepEqual(readdirSync(join(store.root, 'partial')), [])
})

const BYTES = randomBytes(1000)
const ADDRESS = { repository: 'app', digest: sha256(BYTES) }
const CONTENT = {
  size: BYTES.byteLength,
  async *open(from: number) {
    for (let at = from; at < BYTES.byteLength; at += 50) yield BYTES.subarray(at, at + 50)
  },
}

async function uploading(t: TestContext) {
  const fake = await fakeRegistry(t)
  const store = temporaryStore(t)
  const options = { chunkSize: 300, memory: uploadMemory(store.uploadsDir) }
  const upload = (more = {}) =>
    uploadBlob(clientOf(t, 1).registry(fake.host), ADDRESS, CONTENT, { ...options, ...more })
  const starts: (string | undefined)[] = []
  const watch = () => {
    fake.intercept = request => {
      if (request.method === 'PATCH') starts.push(request.headers['content-range'])
      return false
    }
  }
  const notes = () => readdirSync(store.uploadsDir)
  return { fake, upload, starts, watch, notes }
}

test('a large blob goes up in chunks', async t => {
  const { fake, upload, starts, watch, notes } = await uploading(t)
  watch()
  await upload()
  assert.deepEqual(starts, ['0-299', '300-599', '600-899', '900-999'])
  assert.deepEqual(fake.blobs.get(`app@${ADDRESS.digest}`), BYTES)
  assert.deepEqual(notes(), [])
})

test('an upload that broke off goes on where the registry says that it was, also for another client', async t => {
  const { fake, upload, starts, watch, notes } = await uploading(t)
  let patches = 0
  fake.intercept = (request, response) => {
    if (request.method === 'PATCH' && ++patches > 2) return sendError(response, 403, 'DENIED')
    return false
  }
  await assert.rejects(upload(), { code: 'FORBIDDEN' })
  assert.equal(notes().length, 1)
  watch()
  await upload()
  assert.deepEqual(starts, ['600-899', '900-999'])
  assert.deepEqual(fake.blobs.get(`app@${ADDRESS.digest}`), BYTES)
  assert.deepEqual(notes(), [])
})

test('a connection cut within a chunk costs that part of it that had not arrived', async t => {
  const { fake, upload, starts } = await uploading(t)
  let cut = false
  fake.intercept = async (request, response) => {
    if (request.method !== 'PATCH') return false
    starts.push(request.headers['content-range'])
    if (cut || starts.length < 2) return false
    cut = true
    const [session] = [...fake.uploads.sessions.values()]
    for await (const chunk of request) {
      const some = (chunk as Buffer).subarray(0, 100)
      session?.chunks.push(some)
      if (session !== undefined) session.size += some.byteLength
      break
    }
    response.destroy()
    return true
  }
  await upload()
  const [, , third] = starts
  assert.match(third ?? '', /^3[0-9]\d-|^400-/)
  assert.deepEqual(fake.blobs.get(`app@${ADDRESS.digest}`), BYTES)
})

test('an upload that the registry has forgotten begins anew', async t => {
  const { fake, upload, starts, watch } = await uploading(t)
  fake.intercept = (request, response) => request.method === 'PATCH' && sendError(response, 403, 'DENIED')
  await assert.rejects(upload(), { code: 'FORBIDDEN' })
  fake.uploads.sessions.clear()
  watch()
  await upload()
  assert.equal(starts[0], '0-299')
  assert.deepEqual(fake.blobs.get(`app@${ADDRESS.digest}`), BYTES)
})

test('a registry that takes no chunks gets the blob in one piece', async t => {
  const { fake, upload } = await uploading(t)
  fake.uploads.traits = { chunked: false }
  await upload()
  assert.deepEqual(fake.blobs.get(`app@${ADDRESS.digest}`), BYTES)
  assert.equal(fake.requests.filter(request => request.startsWith('PUT')).length, 1)
})

test('a registry that wants larger chunks gets them', async t => {
  const { fake, upload, starts } = await uploading(t)
  fake.intercept = (request, response) => {
    if (request.method === 'POST') response.setHeader('oci-chunk-min-length', '700')
    if (request.method === 'PATCH') starts.push(request.headers['content-range'])
    return false
  }
  await upload()
  assert.deepEqual(starts, ['0-699', '700-999'])
})
