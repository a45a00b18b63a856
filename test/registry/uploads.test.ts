import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { sha256 } from '../../src/oci/digest.ts'
import {
  type Answer,
  codeOf,
  putBlob,
  type Send,
  type Sent,
  testServer,
} from '../../src/registry/server/testing-server.ts'

const CONTENT = randomBytes(300_000)
const DIGEST = sha256(CONTENT)
const OTHER = sha256('something else')

async function begin(send: Send, query = ''): Promise<string> {
  const { status, headers } = await send('POST', `/v2/app/blobs/uploads/${query}`)
  assert.equal(status, 202)
  assert.match(headers.location ?? '', /^\/v2\/app\/blobs\/uploads\/[0-9a-f-]{36}/)
  assert.equal(headers['content-length'], '0')
  return headers.location ?? ''
}

function withDigest(location: string, digest: string): string {
  return `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`
}

function chunk(start: number, end: number): Sent {
  return { headers: { 'Content-Range': `${start}-${end - 1}` }, body: CONTENT.subarray(start, end) }
}

function created({ status, headers }: Answer, digest: string = DIGEST): void {
  assert.equal(status, 201)
  assert.equal(headers.location, `/v2/app/blobs/${digest}`)
  assert.equal(headers['docker-content-digest'], digest)
}

async function isThere(send: Send, digest: string = DIGEST): Promise<boolean> {
  const answer = await send('GET', `/v2/app/blobs/${digest}`)
  if (answer.status === 404) return false
  assert.equal(answer.status, 200)
  assert.ok(answer.body.equals(CONTENT))
  return true
}

describe('an upload', () => {
  const WAYS: Readonly<Record<string, (send: Send) => Promise<Answer>>> = {
    'POST, then PUT with all': async send => send('PUT', withDigest(await begin(send), DIGEST), { body: CONTENT }),
    'POST with all': send => send('POST', `/v2/app/blobs/uploads/?digest=${DIGEST}`, { body: CONTENT }),
    'POST with all, streamed': send =>
      send('POST', `/v2/app/blobs/uploads/?digest=${DIGEST}`, { body: Readable.from([CONTENT]) }),
    'one streamed PATCH': async send => {
      const location = await begin(send)
      const patched = await send('PATCH', location, {
        body: Readable.from([CONTENT.subarray(0, 9), CONTENT.subarray(9)]),
      })
      assert.equal(patched.status, 202)
      assert.equal(patched.headers.range, `0-${CONTENT.length - 1}`)
      return send('PUT', withDigest(patched.headers.location ?? '', DIGEST))
    },
    'chunks, the last with PUT': async send => {
      let location = await begin(send)
      for (const [start, end] of [
        [0, 100_000],
        [100_000, 200_000],
      ] as const) {
        const patched = await send('PATCH', location, chunk(start, end))
        assert.deepEqual([patched.status, patched.headers.range], [202, `0-${end - 1}`])
        location = patched.headers.location ?? ''
      }
      return send('PUT', withDigest(location, DIGEST), chunk(200_000, CONTENT.length))
    },
    'a PUT that is streamed': async send =>
      send('PUT', withDigest(await begin(send), DIGEST), { body: Readable.from([CONTENT]) }),
  }
  for (const [way, upload] of Object.entries(WAYS)) {
    test(`by ${way}`, async t => {
      const { send } = await testServer(t)
      created(await upload(send))
      assert.ok(await isThere(send))
    })
  }

  test('with sha512, announced or not', async t => {
    const { send } = await testServer(t)
    const digest = `sha512:${createHash('sha512').update(CONTENT).digest('hex')}`
    for (const query of ['', '?digest-algorithm=sha512']) {
      const { headers } = await send('PATCH', await begin(send, query), { body: CONTENT })
      created(await send('PUT', withDigest(headers.location ?? '', digest)), digest)
      assert.ok(await isThere(send, digest))
    }
    assert.equal((await send('POST', '/v2/app/blobs/uploads/?digest-algorithm=md5')).status, 400)
  })

  test('empty', async t => {
    const { send } = await testServer(t)
    created(await send('PUT', withDigest(await begin(send), sha256(''))), sha256(''))
    const { status, headers, body } = await send('GET', `/v2/app/blobs/${sha256('')}`)
    assert.deepEqual([status, headers['content-length'], body.length], [200, '0', 0])
  })

  test('says how far it is, and goes on from there only', async t => {
    const { send } = await testServer(t)
    const location = await begin(send)
    const state = async () => {
      const { status, headers } = await send('GET', location)
      return [status, headers.range]
    }
    assert.deepEqual(await state(), [204, '0-0'])
    await send('PATCH', location, chunk(0, 1000))
    assert.deepEqual(await state(), [204, '0-999'])
    for (const wrong of [chunk(0, 1000), chunk(1001, 2000), chunk(999, 2000)]) {
      const refused = await send('PATCH', location, wrong)
      assert.deepEqual([refused.status, refused.headers.range], [416, '0-999'])
      assert.equal(refused.headers.location, location)
    }
    for (const range of ['x', '5-1', '-5', '1000-']) {
      assert.equal((await send('PATCH', location, { headers: { 'Content-Range': range }, body: 'x' })).status, 416)
    }
    created(await send('PUT', withDigest(location, DIGEST), chunk(1000, CONTENT.length)))
  })

  test('a chunk whose length is not what its range says is refused', async t => {
    const { send } = await testServer(t)
    const location = await begin(send)
    const refused = await send('PATCH', location, { headers: { 'Content-Range': '0-99' }, body: 'x' })
    assert.deepEqual([refused.status, codeOf(refused)], [400, 'SIZE_INVALID'])
    created(await send('PUT', withDigest(location, DIGEST), { body: CONTENT }))
  })

  test('cancelled is gone', async t => {
    const { send, store } = await testServer(t)
    const location = await begin(send)
    await send('PATCH', location, chunk(0, 1000))
    assert.equal((await send('DELETE', location)).status, 204)
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const gone = await send(method, location)
      assert.deepEqual([gone.status, codeOf(gone)], [404, 'BLOB_UPLOAD_UNKNOWN'], method)
    }
    assert.equal((await send('PUT', withDigest(location, DIGEST))).status, 404)
    assert.equal(store.database.get('SELECT 1 FROM registry_uploads'), undefined)
  })

  test('is of its repository alone', async t => {
    const { send } = await testServer(t)
    const location = await begin(send)
    const elsewhere = location.replace('/app/', '/other/')
    assert.equal((await send('PATCH', elsewhere, { body: 'x' })).status, 404)
    assert.equal((await send('GET', elsewhere)).status, 404)
  })
})

describe('an upload that is refused leaves nothing', () => {
  const REFUSED: Readonly<Record<string, (send: Send) => Promise<Answer>>> = {
    'another digest, after POST': async send => send('PUT', withDigest(await begin(send), OTHER), { body: CONTENT }),
    'another digest, in one POST': send => send('POST', `/v2/app/blobs/uploads/?digest=${OTHER}`, { body: CONTENT }),
    'no digest': async send => send('PUT', await begin(send), { body: CONTENT }),
    'half a digest': send => send('POST', '/v2/app/blobs/uploads/?digest=sha256:abc', { body: CONTENT }),
    'another algorithm': send => send('POST', '/v2/app/blobs/uploads/?digest=md5:abc', { body: CONTENT }),
  }
  for (const [name, upload] of Object.entries(REFUSED)) {
    test(name, async t => {
      const { send } = await testServer(t)
      const answer = await upload(send)
      assert.deepEqual([answer.status, codeOf(answer)], [400, 'DIGEST_INVALID'])
      assert.equal(await isThere(send), false)
      assert.equal((await send('GET', `/v2/app/blobs/${OTHER}`)).status, 404)
    })
  }

  test('more bytes than the limit, declared or streamed', async t => {
    const { send } = await testServer(t, { limits: { upload: 1000, manifest: 1000, uploads: 5, rate: 0 } })
    for (const body of [CONTENT, Readable.from([CONTENT.subarray(0, 900), CONTENT.subarray(900)])]) {
      const answer = await send('POST', `/v2/app/blobs/uploads/?digest=${DIGEST}`, { body })
      assert.deepEqual([answer.status, codeOf(answer)], [413, 'SIZE_INVALID'])
    }
    assert.equal(await isThere(send), false)
    const fits = CONTENT.subarray(0, 1000)
    assert.equal((await send('POST', `/v2/app/blobs/uploads/?digest=${sha256(fits)}`, { body: fits })).status, 201)
  })
})

describe('a blob is mounted', () => {
  const MOUNTS: readonly (readonly [what: string, query: string, status: number])[] = [
    ['from the repository that has it', `mount=${DIGEST}&from=source`, 201],
    ['from wherever it is', `mount=${DIGEST}`, 201],
    ['not from a repository without it', `mount=${DIGEST}&from=other`, 202],
    ['not from a name that is none', `mount=${DIGEST}&from=../x`, 202],
    ['not when it is nowhere', `mount=${OTHER}&from=source`, 202],
    ['not when it is no digest', 'mount=x&from=source', 202],
  ]
  for (const [what, query, expected] of MOUNTS) {
    test(what, async t => {
      const { send } = await testServer(t)
      await putBlob(send, 'source', CONTENT)
      const answer = await send('POST', `/v2/app/blobs/uploads/?${query}`)
      assert.equal(answer.status, expected)
      if (expected === 201) created(answer)
      else assert.match(answer.headers.location ?? '', /^\/v2\/app\/blobs\/uploads\//)
      assert.equal(await isThere(send), expected === 201)
    })
  }
})
