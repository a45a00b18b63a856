import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sha256 } from '../../src/oci/digest.ts'
import { codeOf, putBlob, putManifest, sampleManifest, testServer } from '../../src/registry/server/testing-server.ts'

const CONTENT = '0123456789'
const DIGEST = sha256(CONTENT)
const PATH = `/v2/app/blobs/${DIGEST}`

describe('a blob', () => {
  test('GET and HEAD have the same headers', async t => {
    const { send } = await testServer(t)
    await putBlob(send, 'app', CONTENT)
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, body } = await send(method, PATH)
      assert.equal(status, 200)
      assert.equal(body.toString(), method === 'GET' ? CONTENT : '')
      assert.equal(headers['content-length'], '10')
      assert.equal(headers['docker-content-digest'], DIGEST)
      assert.equal(headers['content-type'], 'application/octet-stream')
      assert.equal(headers['accept-ranges'], 'bytes')
      assert.equal(headers.etag, `"${DIGEST}"`)
    }
    assert.equal((await send('GET', PATH, { headers: { 'If-None-Match': `"${DIGEST}"` } })).status, 304)
  })

  const RANGES: readonly (readonly [range: string, status: number, body: string, contentRange?: string])[] = [
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=4-', 206, '456789', 'bytes 4-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=9-99', 206, '9', 'bytes 9-9/10'],
    ['bytes=-99', 206, CONTENT, 'bytes 0-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=5-2', 200, CONTENT],
    ['bytes=0-1,3-4', 200, CONTENT],
    ['lines=0-1', 200, CONTENT],
    ['nonsense', 200, CONTENT],
  ]
  for (const [range, expected, part, contentRange] of RANGES) {
    test(`Range: ${range}`, async t => {
      const { send } = await testServer(t)
      await putBlob(send, 'app', CONTENT)
      const { status, headers, body } = await send('GET', PATH, { headers: { Range: range } })
      assert.deepEqual([status, headers['content-range']], [expected, contentRange])
      if (expected !== 416) {
        assert.equal(body.toString(), part)
        assert.equal(headers['content-length'], String(part.length))
      }
    })
  }

  test('a range of another content is not sent', async t => {
    const { send } = await testServer(t)
    await putBlob(send, 'app', CONTENT)
    const ranged = (etag: string) => send('GET', PATH, { headers: { Range: 'bytes=1-2', 'If-Range': etag } })
    assert.equal((await ranged('"sha256:old"')).status, 200)
    assert.equal((await ranged(`"${DIGEST}"`)).status, 206)
  })

  test('of another repository is not there', async t => {
    const { send } = await testServer(t)
    await putBlob(send, 'app', CONTENT)
    const answer = await send('GET', PATH.replace('/app/', '/other/'))
    assert.deepEqual([answer.status, codeOf(answer)], [404, 'BLOB_UNKNOWN'])
  })

  test('by something that is no digest', async t => {
    const { send } = await testServer(t)
    for (const digest of ['sha256:abc', 'md5:d41d8cd98f00b204e9800998ecf8427e', 'latest', `${DIGEST}0`]) {
      for (const method of ['GET', 'DELETE']) {
        const answer = await send(method, `/v2/app/blobs/${digest}`)
        assert.deepEqual([answer.status, codeOf(answer)], [400, 'DIGEST_INVALID'], digest)
      }
    }
  })

  test('is deleted, but not from under a manifest', async t => {
    const { send } = await testServer(t)
    await putBlob(send, 'app', CONTENT)
    assert.equal((await send('DELETE', PATH)).status, 202)
    for (const method of ['GET', 'HEAD', 'DELETE']) assert.equal((await send(method, PATH)).status, 404, method)
    const { digest, text } = await sampleManifest(send, 'app', CONTENT)
    await putManifest(send, 'app', '1', text)
    const refused = await send('DELETE', PATH)
    assert.deepEqual([refused.status, codeOf(refused)], [405, 'UNSUPPORTED'])
    assert.equal((await send('GET', PATH)).status, 200)
    assert.equal((await send('DELETE', `/v2/app/manifests/${digest}`)).status, 202)
    assert.equal((await send('DELETE', PATH)).status, 202)
  })
})
