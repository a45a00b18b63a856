import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type Digest, sha256 } from '../../oci/digest.ts'
import { MediaType } from '../../oci/media-types.ts'
import type { BlobStorage } from './blob-storage.ts'
import type { Change, NewManifest, Push, RegistryMetadata } from './metadata.ts'

/** Two views of one registry's metadata, as two servers have it, and the storage of the blobs. */
export interface TwoServers {
  readonly one: RegistryMetadata
  readonly two: RegistryMetadata
  readonly blobs: BlobStorage
}

const NOBODY: Change = { by: undefined, isImmutable: () => false }

/** What every implementation of the metadata does. */
export function describeMetadata(name: string, open: (t: TestContext) => TwoServers): void {
  describe(`registry metadata: ${name}`, () => {
    test('a blob is only in the repositories that it is linked in', async t => {
      const { one, two, blobs } = open(t)
      const digest = await blob(blobs, 'x')
      assert.equal(await one.blobs.has('a', digest), false)
      assert.equal(await one.blobs.link('a', digest), true)
      assert.equal(await one.blobs.link('a', digest), true)
      assert.equal(await two.blobs.has('a', digest), true)
      assert.equal(await two.blobs.has('b', digest), false)
      await two.blobs.link('b', digest)
      assert.deepEqual([...(await one.blobs.holders(digest, 5))].sort(), ['a', 'b'])
      assert.equal((await one.blobs.holders(digest, 1)).length, 1)
      assert.equal(await one.blobs.unlink('a', digest), 'unlinked')
      assert.equal(await one.blobs.unlink('a', digest), 'unknown')
      assert.equal(await two.blobs.has('a', digest), false)
      assert.equal(await one.blobs.link('a', sha256('not stored')), false)
    })

    test('a manifest needs its blobs and manifests in the repository', async t => {
      const { one, blobs } = open(t)
      const layer = await blob(blobs, 'layer')
      await one.blobs.link('other', layer)
      const manifest = await newManifest(blobs, 'm', { blobs: [layer], manifests: [sha256('child')] })
      const refused = await one.manifests.put('a', manifest, push('1'))
      assert.deepEqual(refused, { kind: 'missing', blobs: [layer], manifests: [sha256('child')] })
      assert.equal(await one.manifests.get('a', manifest.digest), undefined)
      assert.equal(await one.tags.resolve('a', '1'), undefined)
      await one.blobs.link('a', layer)
      await one.manifests.put('a', await newManifest(blobs, 'child'), push())
      assert.deepEqual(await one.manifests.put('a', manifest, push('1')), { kind: 'stored' })
      assert.equal(await one.blobs.unlink('a', layer), 'needed')
      const removed = await one.manifests.remove('a', sha256('child'), NOBODY)
      assert.deepEqual(removed, { kind: 'needed', by: manifest.digest })
    })

    test('what is optional is kept when it is there', async t => {
      const { one, blobs } = open(t)
      const there = await blob(blobs, 'there')
      await one.blobs.link('a', there)
      const manifest = await newManifest(blobs, 'm', { optional: [there, sha256('absent')] })
      assert.deepEqual(await one.manifests.put('a', manifest, push()), { kind: 'stored' })
      assert.equal(await one.blobs.unlink('a', there), 'needed')
    })

    test('a manifest is found by tag and by digest, in its repository alone', async t => {
      const { one, two, blobs } = open(t)
      const manifest = await newManifest(blobs, 'm')
      await one.manifests.put('a', manifest, push('1', 'latest'))
      const record = { digest: manifest.digest, mediaType: MediaType.ociManifest, size: 1 }
      assert.deepEqual(await two.manifests.get('a', manifest.digest), record)
      assert.deepEqual(await two.tags.resolve('a', 'latest'), record)
      for (const [repository, tag] of [
        ['b', '1'],
        ['a', '2'],
      ] as const) {
        assert.equal(await two.tags.resolve(repository, tag), undefined)
      }
      assert.equal(await two.manifests.get('b', manifest.digest), undefined)
    })

    test('every move of a tag is kept, with who did it', async t => {
      const { one, two, blobs } = open(t)
      const [first, second] = [await newManifest(blobs, '1'), await newManifest(blobs, '2')]
      const before = Date.now()
      await one.manifests.put('a', first, { ...push('t'), by: 'ann' })
      await one.manifests.put('a', first, { ...push('t'), by: 'bob' })
      await two.manifests.put('a', second, { ...push('t'), by: 'bob' })
      assert.deepEqual(await one.tags.remove('a', 't', { ...NOBODY, by: 'cid' }), { kind: 'removed' })
      assert.deepEqual(await one.tags.remove('a', 't', NOBODY), { kind: 'unknown' })
      await one.manifests.put('a', first, push('t'))
      await one.manifests.remove('a', first.digest, { ...NOBODY, by: 'ann' })
      const history = await two.tags.history('a', 't')
      const moves = history.map(({ previous, digest, by }) => [previous, digest, by])
      assert.deepEqual(moves, [
        [first.digest, undefined, 'ann'],
        [undefined, first.digest, undefined],
        [second.digest, undefined, 'cid'],
        [first.digest, second.digest, 'bob'],
        [undefined, first.digest, 'ann'],
      ])
      assert.ok(history.every(({ at }) => at >= before && at <= Date.now()))
      assert.deepEqual(await two.tags.history('b', 't'), [])
    })

    test('an immutable tag stays: it is neither moved nor removed, and nothing else of the push is done', async t => {
      const { one, blobs } = open(t)
      const [first, second] = [await newManifest(blobs, '1'), await newManifest(blobs, '2')]
      const fixed = (...tags: string[]): Push => ({ ...push(...tags), isImmutable: tag => tag.startsWith('v') })
      assert.deepEqual(await one.manifests.put('a', first, fixed('v1', 'latest')), { kind: 'stored' })
      assert.deepEqual(await one.manifests.put('a', first, fixed('v1')), { kind: 'stored' })
      const refused = { kind: 'immutable', tag: 'v1', digest: first.digest }
      assert.deepEqual(await one.manifests.put('a', second, fixed('latest', 'v1')), refused)
      assert.equal(await one.manifests.get('a', second.digest), undefined)
      assert.equal((await one.tags.resolve('a', 'latest'))?.digest, first.digest)
      assert.deepEqual(await one.tags.remove('a', 'v1', fixed()), { kind: 'immutable', tag: 'v1' })
      assert.deepEqual(await one.manifests.remove('a', first.digest, fixed()), { kind: 'immutable', tag: 'v1' })
      assert.deepEqual(await one.tags.remove('a', 'latest', fixed()), { kind: 'removed' })
    })

    test('a push may say where the tag must be now', async t => {
      const { one, two, blobs } = open(t)
      const [first, second] = [await newManifest(blobs, '1'), await newManifest(blobs, '2')]
      const when = (expect: Digest | 'absent'): Push => ({ ...push('t'), expect })
      const moved = (digest: Digest | undefined) => ({ kind: 'moved', tag: 't', digest })
      assert.deepEqual(await one.manifests.put('a', first, when(second.digest)), moved(undefined))
      assert.deepEqual(await one.manifests.put('a', first, when('absent')), { kind: 'stored' })
      assert.deepEqual(await two.manifests.put('a', second, when('absent')), moved(first.digest))
      assert.deepEqual(await two.manifests.put('a', second, when(second.digest)), moved(first.digest))
      assert.deepEqual(await two.manifests.put('a', second, when(first.digest)), { kind: 'stored' })
    })

    test('tags and repositories are listed page by page in byte order', async t => {
      const { one, blobs } = open(t)
      const manifest = await newManifest(blobs, 'm')
      const tags = ['B', 'a', '10', '2', '_x', 'a.b', 'a-b']
      await one.manifests.put('r/two', manifest, push(...tags))
      for (const name of ['r', 'r/one', 'q']) await one.manifests.put(name, manifest, push())
      await one.blobs.link('only-blobs', await blob(blobs, 'x'))
      const sorted = [...tags].sort()
      assert.deepEqual(await one.tags.list('r/two', { limit: 100 }), { items: sorted, more: false })
      assert.deepEqual(await one.tags.list('r/two', { limit: 3 }), { items: sorted.slice(0, 3), more: true })
      const last = sorted[2]
      assert.deepEqual(await one.tags.list('r/two', { limit: 4, last }), { items: sorted.slice(3), more: false })
      assert.deepEqual(await one.tags.list('r/two', { limit: 0 }), { items: [], more: true })
      assert.deepEqual(await one.repositories.list({ limit: 2 }), { items: ['q', 'r'], more: true })
      assert.deepEqual(await one.repositories.list({ limit: 9, last: 'r' }), { items: ['r/one', 'r/two'], more: false })
      assert.equal(await one.repositories.has('only-blobs'), true)
      assert.equal(await one.repositories.has('never'), false)
    })

    test('referrers of a subject, by type and page by page, whether the subject is there or not', async t => {
      const { one, blobs } = open(t)
      const subject = sha256('subject')
      for (const [text, artifactType] of [
        ['1', 'x/sbom'],
        ['2', 'x/signature'],
        ['3', 'x/sbom'],
      ] as const) {
        const manifest = await newManifest(blobs, text, { subject, artifactType, annotations: { text } })
        await one.manifests.put('a', manifest, push())
      }
      const all = await one.manifests.referrers('a', subject, undefined, { limit: 9 })
      assert.deepEqual(all.items.map(({ annotations }) => annotations?.text).sort(), ['1', '2', '3'])
      const sboms = await one.manifests.referrers('a', subject, 'x/sbom', { limit: 9 })
      assert.deepEqual(sboms.items.map(({ annotations }) => annotations?.text).sort(), ['1', '3'])
      const [first] = all.items
      const page = await one.manifests.referrers('a', subject, undefined, { limit: 1 })
      assert.deepEqual(page, { items: [first], more: true })
      const rest = await one.manifests.referrers('a', subject, undefined, { limit: 9, last: first?.digest })
      assert.equal(rest.items.length, 2)
      await one.manifests.remove('a', sha256('1'), NOBODY)
      assert.equal((await one.manifests.referrers('a', subject, undefined, { limit: 9 })).items.length, 2)
      assert.deepEqual(await one.manifests.referrers('b', subject, undefined, { limit: 9 }), { items: [], more: false })
    })

    test('what is not there', async t => {
      const { one } = open(t)
      assert.deepEqual(await one.manifests.remove('a', sha256('x'), NOBODY), { kind: 'unknown' })
      assert.equal(await one.blobs.unlink('a', sha256('x')), 'unknown')
      assert.deepEqual(await one.tags.list('a', { limit: 5 }), { items: [], more: false })
      assert.deepEqual(await one.blobs.holders(sha256('x'), 5), [])
    })
  })
}

function push(...tags: string[]): Push {
  return { ...NOBODY, tags }
}

async function blob(blobs: BlobStorage, text: string): Promise<Digest> {
  await blobs.put(Buffer.from(text), sha256(text))
  return sha256(text)
}

async function newManifest(blobs: BlobStorage, text: string, parts: Partial<NewManifest> = {}): Promise<NewManifest> {
  return { digest: await blob(blobs, text), mediaType: MediaType.ociManifest, blobs: [], manifests: [], ...parts }
}
