import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sha256 } from '../../src/oci/digest.ts'
import { MediaType } from '../../src/oci/media-types.ts'
import { collectRegistry, type RegistryCollected } from '../../src/registry/server/local/collect.ts'
import { openRegistry } from '../../src/registry/server/local/open.ts'
import {
  jsonOf,
  putBlob,
  putManifest,
  type Send,
  sampleManifest,
  type TestServer,
  testServer,
} from '../../src/registry/server/testing-server.ts'
import type { LocalStore } from '../../src/store/open.ts'
import { seeded } from '../faults/random.ts'
import { shale } from '../support/shale.ts'

const HOUR_MS = 3_600_000

async function collectLater(t: TestContext, { store }: TestServer, hours: number) {
  const registry = openRegistry(store)
  t.after(() => registry.close())
  const now = Date.now() + hours * HOUR_MS
  return await collectRegistry(store, registry.blobs.uploads, { grace: HOUR_MS, now })
}

test('what manifests need stays; what none needs goes after the grace period', async t => {
  const server = await testServer(t)
  const { send } = server
  const { digest, text } = await sampleManifest(send, 'app', 'needed')
  await putManifest(send, 'app', '1', text)
  const lone = await putBlob(send, 'app', 'lone')
  const status = async (what: string) => (await send('GET', `/v2/app/${what}`)).status
  assert.equal((await collectLater(t, server, 0.9)).links, 0)
  assert.equal(await status(`blobs/${lone}`), 200)
  const { links, collected } = await collectLater(t, server, 1.1)
  assert.deepEqual([links, collected.removed.length], [1, 1])
  assert.equal(await status(`blobs/${lone}`), 404)
  assert.equal(await status(`blobs/${sha256('needed')}`), 200)
  await send('DELETE', `/v2/app/manifests/${digest}`)
  assert.equal((await collectLater(t, server, 1.1)).links, 2)
  assert.equal(await status(`blobs/${sha256('needed')}`), 404)
})

test('an upload in which nothing happens for a day is given up; one that goes on is not', async t => {
  const server = await testServer(t)
  const { headers } = await server.send('POST', '/v2/app/blobs/uploads/')
  const location = headers.location ?? ''
  await server.send('PATCH', location, { body: 'x' })
  assert.equal((await collectLater(t, server, 23)).uploads, 0)
  assert.equal((await server.send('GET', location)).status, 204)
  assert.equal((await collectLater(t, server, 25)).uploads, 1)
  assert.equal((await server.send('GET', location)).status, 404)
})

const ROUNDS = 8
const PUSHERS = 6
const PUSHES = 8
const COLLECTIONS = 3
/** Few, so that pushes share blobs that a collection is just about to remove. */
const CONTENTS = Array.from({ length: 24 }, (_, number) => `content ${number} `.repeat(200))

test('pushes and pulls go on during collections, and nothing acknowledged is lost', { timeout: 120_000 }, async t => {
  const { send, store, running } = await testServer(t)
  const call = await shale(t, { env: { SHALE_ROOT: store.root } })
  const random = seeded(7)
  const images = new Map<string, string>()
  let collected = 0
  for (let round = 0; round < ROUNDS; round++) {
    makeOld(store)
    // At the worst of times: a client has just been told that it need not upload a blob, which nothing else keeps.
    const collections: Promise<RegistryCollected>[] = []
    const told = () => {
      if (collections.length < COLLECTIONS) collections.push(running.collect())
    }
    const pushers = Array.from({ length: PUSHERS }, (_, pusher) =>
      push({ send, random, images, told }, `repo${pusher % 3}`),
    )
    const pullers = Array.from({ length: 2 }, () => pull(send, random, images))
    const other = round % 4 === 0 ? [call(['registry', 'gc']), call(['system', 'prune', '-af'])] : []
    await Promise.all([...pushers, ...pullers])
    for (const { links } of await Promise.all(collections)) collected += links
    for (const { code, stderr } of await Promise.all(other)) assert.equal(code, 0, stderr)
    for (const image of images.keys()) await verify(send, image)
    await forget(send, random, images)
  }
  t.diagnostic(`${collected} blobs were taken out of repositories, ${images.size} images are left`)
  assert.ok(collected > 50, 'there was something to collect')
})

/** As if what no manifest needs had been there for long. */
function makeOld({ database }: LocalStore): void {
  database.write(() => {
    database.run('UPDATE registry_blobs SET used_at = 0')
    database.run('UPDATE registry_fresh SET at = 0')
  })
}

interface Pusher {
  readonly send: Send
  readonly random: () => number
  /** What was acknowledged. */
  readonly images: Map<string, string>
  /** Called when the server has said that a blob is there. */
  readonly told: () => void
}

/** As clients do: asks, mounts or uploads what is missing, then puts the manifest. */
async function push(pusher: Pusher, repository: string): Promise<void> {
  const { send, random, images } = pusher
  for (let count = 0; count < PUSHES; count++) {
    const pick = () => CONTENTS[Math.floor(random() * CONTENTS.length)] ?? ''
    const contents = [pick(), pick(), pick()]
    const blobs = await Promise.all(contents.map(content => ensureBlob(pusher, repository, content)))
    const [config, ...layers] = blobs
    const text = JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: MediaType.ociConfig, ...config },
      layers: layers.map(layer => ({ mediaType: MediaType.ociLayerTar, ...layer })),
    })
    const answer = await putManifest(send, repository, sha256(text), text)
    assert.equal(answer.status, 201, answer.body.toString())
    images.set(`${repository}/manifests/${sha256(text)}`, text)
  }
}

async function ensureBlob({ send, random, told }: Pusher, repository: string, content: string) {
  const digest = sha256(content)
  const descriptor = { digest, size: content.length }
  if ((await send('HEAD', `/v2/${repository}/blobs/${digest}`)).status === 200) {
    told()
    return descriptor
  }
  if (random() < 0.5) {
    const { status } = await send('POST', `/v2/${repository}/blobs/uploads/?mount=${digest}`)
    if (status === 201) {
      told()
      return descriptor
    }
  }
  await putBlob(send, repository, content)
  return descriptor
}

async function pull(send: Send, random: () => number, images: ReadonlyMap<string, string>): Promise<void> {
  for (let count = 0; count < PUSHES; count++) {
    const image = [...images.keys()][Math.floor(random() * images.size)]
    if (image !== undefined) await verify(send, image)
  }
}

async function verify(send: Send, image: string): Promise<void> {
  const answer = await send('GET', `/v2/${image}`)
  assert.equal(answer.status, 200, image)
  const { config, layers } = jsonOf(answer) as { config: { digest: string }; layers: readonly { digest: string }[] }
  const [repository] = image.split('/')
  for (const { digest } of [config, ...layers]) {
    const { status, body } = await send('GET', `/v2/${repository}/blobs/${digest}`)
    assert.deepEqual([status, sha256(body)], [200, digest], `${image} needs it`)
  }
}

/** Deletes most images, so that there is something to collect. */
async function forget(send: Send, random: () => number, images: Map<string, string>): Promise<void> {
  for (const image of [...images.keys()]) {
    if (random() < 0.1) continue
    assert.equal((await send('DELETE', `/v2/${image}`)).status, 202)
    images.delete(image)
  }
}
