import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sha256 } from '../../src/oci/digest.ts'
import { MediaType } from '../../src/oci/media-types.ts'
import {
  codeOf,
  jsonOf,
  putManifest,
  type Send,
  sampleManifest,
  testServer,
} from '../../src/registry/server/testing-server.ts'

interface Walk {
  readonly items: readonly string[]
  readonly pages: number
}

/** Follows Link headers. */
async function walk(send: Send, first: string, key: string): Promise<Walk> {
  const items: string[] = []
  let pages = 0
  for (let path: string | undefined = first; path !== undefined; pages++) {
    const answer = await send('GET', path)
    assert.equal(answer.status, 200)
    items.push(...((jsonOf(answer) as Record<string, string[]>)[key] ?? []))
    path = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers.link ?? ''))?.[1]
  }
  return { items, pages }
}

describe('tags', () => {
  test('10,000 of them, page by page', async t => {
    const { send } = await testServer(t)
    const { text, digest } = await sampleManifest(send, 'app', 'layer')
    const tags = Array.from({ length: 10_000 }, (_, number) => `t${number}`)
    for (let at = 0; at < tags.length; at += 50) {
      const query = tags.slice(at, at + 50).map(tag => `tag=${tag}`)
      assert.equal((await putManifest(send, 'app', `${digest}?${query.join('&')}`, text)).status, 201)
    }
    const sorted = tags.toSorted()
    assert.deepEqual(await walk(send, '/v2/app/tags/list?n=1000', 'tags'), { items: sorted, pages: 10 })
    assert.deepEqual(await walk(send, '/v2/app/tags/list?n=999', 'tags'), { items: sorted, pages: 11 })
    assert.deepEqual(await walk(send, '/v2/app/tags/list', 'tags'), { items: sorted, pages: 1 })
    const middle = jsonOf(await send('GET', '/v2/app/tags/list?n=2&last=t4999'))
    assert.deepEqual(middle, { name: 'app', tags: ['t5', 't50'] })
  })

  test('odd numbers', async t => {
    const { send } = await testServer(t)
    const { text } = await sampleManifest(send, 'app', 'layer')
    await putManifest(send, 'app', 'a', text)
    assert.deepEqual(jsonOf(await send('GET', '/v2/app/tags/list?n=0')), { name: 'app', tags: [] })
    assert.deepEqual(jsonOf(await send('GET', '/v2/app/tags/list?last=a')), { name: 'app', tags: [] })
    for (const n of ['-1', 'x', '1e9', '1.5']) {
      const answer = await send('GET', `/v2/app/tags/list?n=${n}`)
      assert.deepEqual([answer.status, codeOf(answer)], [400, 'PAGINATION_NUMBER_INVALID'], n)
    }
    const unknown = await send('GET', '/v2/none/tags/list')
    assert.deepEqual([unknown.status, codeOf(unknown)], [404, 'NAME_UNKNOWN'])
  })
})

test('the catalog, page by page', async t => {
  const { send } = await testServer(t)
  const names = ['b', 'a', 'a/b/c', 'z-1']
  for (const name of names) await putManifest(send, name, '1', (await sampleManifest(send, name, 'x')).text)
  assert.deepEqual(await walk(send, '/v2/_catalog?n=3', 'repositories'), { items: names.toSorted(), pages: 2 })
})

describe('referrers', () => {
  test('of a subject, also before it is there', async t => {
    const { send } = await testServer(t)
    const image = await sampleManifest(send, 'app', 'layer')
    const subject = { mediaType: MediaType.ociManifest, digest: image.digest, size: image.text.length }
    const path = `/v2/app/referrers/${image.digest}`
    const list = async (query = '') => {
      const answer = await send('GET', path + query)
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['content-type'], MediaType.ociIndex)
      const { manifests } = jsonOf(answer) as { manifests: readonly { artifactType: string; digest: string }[] }
      return {
        types: manifests.map(each => each.artifactType).toSorted(),
        filters: answer.headers['oci-filters-applied'],
      }
    }
    assert.deepEqual(await list(), { types: [], filters: undefined })
    for (const artifactType of ['x/sbom', 'x/signature']) {
      const { text } = await sampleManifest(send, 'app', artifactType, {
        artifactType,
        subject,
        annotations: { a: 'b' },
      })
      const put = await putManifest(send, 'app', sha256(text), text)
      assert.deepEqual([put.status, put.headers['oci-subject']], [201, image.digest])
    }
    const indexText = JSON.stringify({
      schemaVersion: 2,
      mediaType: MediaType.ociIndex,
      artifactType: 'x/set',
      manifests: [],
      subject,
    })
    await putManifest(send, 'app', 'set', indexText, MediaType.ociIndex)
    assert.deepEqual(await list(), { types: ['x/sbom', 'x/set', 'x/signature'], filters: undefined })
    assert.deepEqual(await list('?artifactType=x/sbom'), { types: ['x/sbom'], filters: 'artifactType' })
    assert.deepEqual(await list('?artifactType=none'), { types: [], filters: 'artifactType' })
    await putManifest(send, 'app', '1', image.text)
    assert.equal((await send('DELETE', `/v2/app/manifests/${sha256(indexText)}`)).status, 202)
    assert.deepEqual((await list()).types, ['x/sbom', 'x/signature'])
    assert.equal((await send('GET', '/v2/app/referrers/latest')).status, 400)
  })

  test('without an artifact type have their config’s', async t => {
    const { send } = await testServer(t)
    const subject = { mediaType: MediaType.ociManifest, digest: sha256('x'), size: 1 }
    const { text } = await sampleManifest(send, 'app', 'y', { subject })
    await putManifest(send, 'app', sha256(text), text)
    const { manifests } = jsonOf(await send('GET', `/v2/app/referrers/${sha256('x')}`)) as { manifests: unknown[] }
    assert.deepEqual(manifests, [
      { mediaType: MediaType.ociManifest, digest: sha256(text), size: text.length, artifactType: MediaType.ociConfig },
    ])
  })
})
