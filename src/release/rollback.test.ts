import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { type Digest, sha256 } from '../oci/digest.ts'
import { addImage, addLayer, temporaryStore } from '../store/testing.ts'
import type { TagChange } from '../store/types.ts'
import { rollBack, standing } from './rollback.ts'

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map(text => sha256(text)) as [Digest, Digest, Digest, Digest]

/** Oldest first: a digest is a build, `<` before it a roll-back, `-` the tag taken away. */
const HISTORIES: readonly (readonly [moves: readonly (Digest | `<${Digest}` | '-')[], standing: readonly unknown[]])[] =
  [
    [[A], [A]],
    [
      [A, B, C],
      [A, B, C],
    ],
    [
      [A, B, C, `<${B}`],
      [A, B],
    ],
    [[A, B, C, `<${B}`, `<${A}`], [A]],
    [
      [A, B, C, `<${A}`, D],
      [A, D],
    ],
    [
      [A, B, `<${A}`, `<${B}`],
      [A, B],
    ],
    [
      [A, B, A, `<${B}`],
      [A, B],
    ],
    [
      [A, B, '-'],
      [A, B, undefined],
    ],
    [
      [A, B, '-', `<${B}`],
      [A, B],
    ],
  ]

for (const [moves, expected] of HISTORIES) {
  test(`what stands after ${moves.map(move => move.replace('sha256:', '').slice(0, 4)).join(' ')}`, () => {
    const history = moves.map((move, at): TagChange => {
      if (move === '-') return { name: 'n', at, why: 'rmi' }
      const back = move.startsWith('<')
      return { name: 'n', at, why: back ? 'rollback' : 'build', digest: (back ? move.slice(1) : move) as Digest }
    })
    // Going back to what a roll-back had taken off is a move like any other.
    assert.deepEqual(standing(history.toReversed()), expected)
  })
}

const NAME = 'docker.io/library/app:1'

async function threeImages(t: Parameters<typeof temporaryStore>[0]) {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const digests: Digest[] = []
  for (const author of ['1', '2', '3']) {
    const { digest } = await addImage(store, lease, { layers: [await addLayer(store, lease, author)], author })
    store.images.tag(NAME, digest, 'build')
    digests.push(digest)
  }
  return { store, digests: digests as [Digest, Digest, Digest] }
}

test('a tag goes one image back at a time, and forward again when told', async t => {
  const { store, digests } = await threeImages(t)
  const [one, two, three] = digests
  assert.deepEqual((await rollBack(store, 'app:1')).to, two)
  assert.deepEqual((await rollBack(store, 'app:1')).to, one)
  await assert.rejects(rollBack(store, 'app:1'), { code: 'NO_EARLIER_IMAGE' })
  assert.equal(store.images.getTag(NAME)?.digest, one)
  assert.deepEqual((await rollBack(store, 'app:1', three.slice(7, 19))).to, three)
  assert.deepEqual((await rollBack(store, 'app:1', three)).from, three)
  assert.equal(store.images.tagHistory(NAME).length, 6)
})

test('a tag that was taken away comes back', async t => {
  const { store, digests } = await threeImages(t)
  store.images.untag(NAME, 'rmi')
  assert.deepEqual(await rollBack(store, 'app:1').then(({ from, to }) => [from, to]), [undefined, digests[2]])
})

test('what was never there is refused', async t => {
  const { store } = await threeImages(t)
  await assert.rejects(rollBack(store, 'app:1', A), { code: 'NO_EARLIER_IMAGE' })
  await assert.rejects(rollBack(store, 'app:1', '2020-01-01'), { code: 'NO_EARLIER_IMAGE' })
  await assert.rejects(rollBack(store, 'other:1'), { code: 'NO_TAG_HISTORY' })
  await assert.rejects(rollBack(store, `app@${A}`), { code: 'INVALID_TAG' })
})

test('an image that is gone, whole or in part, is refused and named; the tag stays', async t => {
  const { store, digests } = await threeImages(t)
  const [one, two, three] = digests
  const { manifest } = await store.images.open(two)
  store.images.remove(one)
  await assert.rejects(rollBack(store, 'app:1', one), { code: 'IMAGE_GONE', hint: new RegExp(`still here: ${two}`) })
  const layer = manifest.layers[0]?.digest ?? assert.fail('a layer')
  store.database.write(() => store.database.run('DELETE FROM blobs WHERE digest = ?', layer))
  rmSync(store.blobs.path(layer), { force: true })
  await assert.rejects(rollBack(store, 'app:1'), { code: 'IMAGE_GONE', message: new RegExp(layer) })
  assert.equal(store.images.getTag(NAME)?.digest, three)
})
