import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { sha256 } from '../../src/oci/digest.ts'
import { MediaType } from '../../src/oci/media-types.ts'
import {
  codeOf,
  jsonOf,
  putManifest,
  type SampleManifest,
  type Send,
  sampleManifest,
  testServer,
} from '../../src/registry/server/testing-server.ts'

function index(children: readonly SampleManifest[], more: object = {}): SampleManifest {
  const manifests = children.map(({ digest, text }) => ({
    mediaType: MediaType.ociManifest,
    digest,
    size: text.length,
  }))
  const text = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests, ...more })
  return { digest: sha256(text), text }
}

async function statusOf(send: Send, reference: string): Promise<number> {
  return (await send('GET', `/v2/app/manifests/${reference}`)).status
}

describe('a manifest', () => {
  test('comes back as it went, by tag and by digest', async t => {
    const { send } = await testServer(t)
    const { digest, text } = await sampleManifest(send, 'app', 'layer')
    const put = await putManifest(send, 'app', 'v1', text)
    assert.equal(put.status, 201)
    assert.equal(put.headers.location, `/v2/app/manifests/${digest}`)
    assert.equal(put.headers['docker-content-digest'], digest)
    for (const reference of ['v1', digest]) {
      for (const method of ['GET', 'HEAD']) {
        const { status, headers, body } = await send(method, `/v2/app/manifests/${reference}`)
        assert.equal(status, 200)
        assert.equal(body.toString(), method === 'GET' ? text : '')
        assert.equal(headers['content-type'], MediaType.ociManifest)
        assert.equal(headers['docker-content-digest'], digest)
        assert.equal(headers['content-length'], String(text.length))
      }
    }
    const known = await send('GET', '/v2/app/manifests/v1', { headers: { 'If-None-Match': `"${digest}"` } })
    assert.equal(known.status, 304)
  })

  test('is put by digest, with tags beside it', async t => {
    const { send } = await testServer(t)
    const { digest, text } = await sampleManifest(send, 'app', 'layer')
    assert.equal((await putManifest(send, 'app', digest, text)).status, 201)
    const tagged = await putManifest(send, 'app', `${digest}?tag=a&tag=b`, text)
    assert.deepEqual([tagged.status, tagged.headers['oci-tag']], [201, 'a, b'])
    assert.equal(await statusOf(send, 'b'), 200)
    const long = `sha512:${createHash('sha512').update(text).digest('hex')}`
    assert.equal((await putManifest(send, 'app', long, text)).headers['docker-content-digest'], long)
    assert.equal(await statusOf(send, long), 200)
  })

  test('of docker’s types keeps its type', async t => {
    const { send } = await testServer(t)
    const { text } = await sampleManifest(send, 'app', 'layer', { mediaType: MediaType.dockerManifest })
    assert.equal((await putManifest(send, 'app', '1', text, MediaType.dockerManifest)).status, 201)
    const { headers } = await send('GET', '/v2/app/manifests/1')
    assert.equal(headers['content-type'], MediaType.dockerManifest)
  })

  test('moves its tag', async t => {
    const { send } = await testServer(t)
    for (const layer of ['one', 'two']) {
      const { digest, text } = await sampleManifest(send, 'app', layer)
      await putManifest(send, 'app', 'latest', text)
      assert.equal((await send('HEAD', '/v2/app/manifests/latest')).headers['docker-content-digest'], digest)
    }
    const { body } = await send('GET', '/v2/app/_shale/tags/latest')
    const { history } = JSON.parse(body.toString()) as { history: readonly { from: string | null; to: string }[] }
    assert.equal(history.length, 2)
    assert.equal(history[0]?.from, history[1]?.to)
  })

  const REFUSED: readonly (readonly [what: string, text: string, type: string, code: string])[] = [
    ['no JSON', '{', MediaType.ociManifest, 'MANIFEST_INVALID'],
    ['an array', '[]', MediaType.ociManifest, 'MANIFEST_INVALID'],
    ['nothing', '', MediaType.ociManifest, 'MANIFEST_INVALID'],
    ['no layers', '{"schemaVersion":2}', MediaType.ociManifest, 'MANIFEST_INVALID'],
    ['schema 1', '{"schemaVersion":1}', MediaType.dockerSchema1Signed, 'MANIFEST_INVALID'],
    [
      'another type than its own',
      JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [] }),
      MediaType.ociManifest,
      'MANIFEST_INVALID',
    ],
    [
      'blobs that are not there',
      JSON.stringify({
        schemaVersion: 2,
        config: { mediaType: MediaType.ociConfig, digest: sha256('absent'), size: 6 },
        layers: [],
      }),
      MediaType.ociManifest,
      'MANIFEST_BLOB_UNKNOWN',
    ],
  ]
  for (const [what, text, type, code] of REFUSED) {
    test(`is refused with ${what}`, async t => {
      const { send } = await testServer(t)
      const answer = await putManifest(send, 'app', '1', text, type)
      assert.deepEqual([answer.status, codeOf(answer)], [400, code])
      assert.equal(await statusOf(send, '1'), 404)
    })
  }

  test('under another digest is refused', async t => {
    const { send } = await testServer(t)
    const { text } = await sampleManifest(send, 'app', 'layer')
    const answer = await putManifest(send, 'app', sha256('other'), text)
    assert.deepEqual([answer.status, codeOf(answer)], [400, 'DIGEST_INVALID'])
  })

  test('over the limit is refused, whether its length is known or not', async t => {
    const { send } = await testServer(t)
    const big = `{"pad":"${'x'.repeat(4 * 2 ** 20)}"}`
    const { Readable } = await import('node:stream')
    for (const body of [big, Readable.from([big])]) {
      const answer = await send('PUT', '/v2/app/manifests/1', {
        headers: { 'Content-Type': MediaType.ociManifest },
        body,
      })
      assert.deepEqual([answer.status, codeOf(answer)], [413, 'SIZE_INVALID'])
    }
  })

  test('foreign layers and children of an index', async t => {
    const { send } = await testServer(t)
    const layers = [
      { mediaType: MediaType.dockerForeignLayer, digest: sha256('far'), size: 3, urls: ['https://example.com/far'] },
    ]
    const foreign = await sampleManifest(send, 'app', 'x', { layers })
    assert.equal((await putManifest(send, 'app', foreign.digest, foreign.text)).status, 201)
    const child = await sampleManifest(send, 'app', 'y')
    const whole = index([foreign, child])
    const missing = await putManifest(send, 'app', 'multi', whole.text, MediaType.ociIndex)
    assert.deepEqual([missing.status, codeOf(missing)], [400, 'MANIFEST_BLOB_UNKNOWN'])
    await putManifest(send, 'app', child.digest, child.text)
    assert.equal((await putManifest(send, 'app', 'multi', whole.text, MediaType.ociIndex)).status, 201)
    const needed = await send('DELETE', `/v2/app/manifests/${child.digest}`)
    assert.deepEqual([needed.status, codeOf(needed)], [405, 'UNSUPPORTED'])
  })

  test('what is not there, and what cannot be', async t => {
    const { send } = await testServer(t)
    const { text } = await sampleManifest(send, 'app', 'layer')
    await putManifest(send, 'app', '1', text)
    const cases: readonly (readonly [path: string, status: number, code: string])[] = [
      ['/v2/none/manifests/1', 404, 'NAME_UNKNOWN'],
      ['/v2/app/manifests/2', 404, 'MANIFEST_UNKNOWN'],
      [`/v2/app/manifests/${sha256('x')}`, 404, 'MANIFEST_UNKNOWN'],
      ['/v2/app/manifests/sha256:abc', 400, 'DIGEST_INVALID'],
      ['/v2/app/manifests/.hidden', 404, 'MANIFEST_UNKNOWN'],
      [`/v2/other/manifests/${sha256(text)}`, 404, 'NAME_UNKNOWN'],
    ]
    for (const [path, status, code] of cases) {
      const answer = await send('GET', path)
      assert.deepEqual([answer.status, codeOf(answer)], [status, code], path)
    }
  })
})

describe('deleting', () => {
  test('a tag leaves the manifest; a manifest takes its tags with it', async t => {
    const { send } = await testServer(t)
    const { digest, text } = await sampleManifest(send, 'app', 'layer')
    for (const tag of ['a', 'b', 'c']) await putManifest(send, 'app', tag, text)
    assert.equal((await send('DELETE', '/v2/app/manifests/a')).status, 202)
    assert.equal((await send('DELETE', '/v2/app/manifests/a')).status, 404)
    assert.deepEqual(
      [await statusOf(send, 'a'), await statusOf(send, 'b'), await statusOf(send, digest)],
      [404, 200, 200],
    )
    assert.equal((await send('DELETE', `/v2/app/manifests/${digest}`)).status, 202)
    for (const reference of ['b', 'c', digest]) assert.equal(await statusOf(send, reference), 404, reference)
    assert.deepEqual(jsonOf(await send('GET', '/v2/app/tags/list')), { name: 'app', tags: [] })
  })
})

describe('a tag moves only as it may', () => {
  test('immutable tags conflict', async t => {
    const immutableTags = [{ repositories: ['**'], tags: ['v*'] }]
    const { send } = await testServer(t, { immutableTags })
    const [one, two] = [await sampleManifest(send, 'app', 'one'), await sampleManifest(send, 'app', 'two')]
    assert.equal((await putManifest(send, 'app', 'v1', one.text)).status, 201)
    assert.equal((await putManifest(send, 'app', 'v1', one.text)).status, 201)
    const moved = await putManifest(send, 'app', 'v1', two.text)
    assert.deepEqual([moved.status, codeOf(moved)], [409, 'TAG_IMMUTABLE'])
    assert.match(moved.body.toString(), /the tag app:v1 is immutable: it points at sha256:/)
    for (const reference of ['v1', one.digest]) {
      assert.equal((await send('DELETE', `/v2/app/manifests/${reference}`)).status, 409)
    }
    assert.equal((await putManifest(send, 'app', 'latest', two.text)).status, 201)
  })

  test('a push may say where it must be', async t => {
    const { send } = await testServer(t)
    const [one, two] = [await sampleManifest(send, 'app', 'one'), await sampleManifest(send, 'app', 'two')]
    const put = async (text: string, headers: Record<string, string>) =>
      (
        await send('PUT', '/v2/app/manifests/t', {
          headers: { 'Content-Type': MediaType.ociManifest, ...headers },
          body: text,
        })
      ).status
    assert.equal(await put(one.text, { 'If-Match': `"${one.digest}"` }), 412)
    assert.equal(await put(one.text, { 'If-None-Match': '*' }), 201)
    assert.equal(await put(two.text, { 'If-None-Match': '*' }), 412)
    assert.equal(await put(two.text, { 'If-Match': `"${two.digest}"` }), 412)
    assert.equal(await put(two.text, { 'If-Match': `"${one.digest}"` }), 201)
  })
})
