import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { Digest } from '../oci/digest.ts'
import type { LocalStore } from './open.ts'
import { type ImageRemoval, removeImage } from './remove-image.ts'
import { findImage, resolveImage } from './resolve.ts'
import { addImage, addLayer, temporaryStore } from './testing.ts'

interface Case {
  readonly what: string
  readonly tags: readonly string[]
  readonly repositories?: readonly string[]
  /** `ID` stands for the image's ID. */
  readonly remove: string
  readonly force?: boolean
  /** What is printed, `deleted` at the end when the image went; or the conflict. */
  readonly expected: readonly string[] | RegExp
}

const HUB = 'docker.io/library'

const CASES: readonly Case[] = [
  { what: 'last name', tags: ['a:1'], remove: 'a:1', expected: ['a:1', 'deleted'] },
  { what: 'one of two names', tags: ['a:1', 'a:2'], remove: 'a:1', expected: ['a:1'] },
  { what: 'default tag', tags: ['a:latest'], remove: 'a', expected: ['a:latest', 'deleted'] },
  { what: 'ID with one name', tags: ['a:1'], remove: 'ID', expected: ['a:1', 'deleted'] },
  { what: 'ID without a name', tags: [], remove: 'ID', expected: ['deleted'] },
  { what: 'ID with two tags', tags: ['a:1', 'a:2'], remove: 'ID', expected: /must be forced.*multiple repositories/ },
  { what: 'ID with two repositories', tags: ['a:1', 'b:1'], remove: 'ID', expected: /must be forced/ },
  {
    what: 'ID with two repositories, forced',
    tags: ['a:1', 'b:1'],
    remove: 'ID',
    force: true,
    expected: ['a:1', 'b:1', 'deleted'],
  },
  {
    what: "a repository's last name takes its digest",
    tags: ['a:1'],
    repositories: ['a'],
    remove: 'a:1',
    expected: ['a:1', 'a@ID', 'deleted'],
  },
  {
    what: "another repository's digest keeps the image",
    tags: ['b:1'],
    repositories: ['a'],
    remove: 'b:1',
    expected: ['b:1'],
  },
  { what: 'digest name beside a tag', tags: ['a:1'], repositories: ['a'], remove: 'a@ID', expected: ['a@ID'] },
  { what: 'digest name alone', tags: [], repositories: ['a'], remove: 'a@ID', expected: ['a@ID', 'deleted'] },
]

describe('rmi', () => {
  for (const { what, tags, repositories = [], remove, force, expected } of CASES) {
    test(what, async t => {
      const { store, id } = await storeWith(t, tags, repositories)
      const text = remove.replace('ID', id)
      const act = () => removeImage(store, text, { force })
      if (expected instanceof RegExp) {
        assert.throws(act, { code: 'IMAGE_CONFLICT', message: expected })
        assert.ok(store.images.get(id))
        return
      }
      assert.deepEqual(
        act().map(shown),
        expected.map(line => line.replace('ID', id)),
      )
      assert.equal(store.images.get(id) === undefined, expected.includes('deleted'))
    })
  }

  test('containers keep their image', async t => {
    const { store, id } = await storeWith(t, ['a:1'], [])
    const stopped = [{ container: 'c'.repeat(64), image: id, running: false }]
    const running = [{ container: 'd'.repeat(64), image: id, running: true }]
    const message = (state: string, remedy: string) =>
      new RegExp(
        `^conflict: unable to delete \\w{12} \\(${remedy}\\) - image is being used by ${state} container \\w{12}$`,
      )
    assert.throws(() => removeImage(store, 'a:1', { users: stopped }), {
      message: message('stopped', 'must be forced'),
    })
    const forced = { users: [...stopped, ...running], force: true }
    assert.throws(() => removeImage(store, 'a:1', forced), { message: message('running', 'cannot be forced') })
    assert.ok(store.images.getTag(`${HUB}/a:1`), 'a refused removal changes nothing')
    assert.equal(removeImage(store, 'a:1', { users: stopped, force: true }).length, 2)
  })
})

describe('image names', () => {
  test('a name, a digest name, an ID and its beginning are found', async t => {
    const { store, id } = await storeWith(t, ['a:1', 'feed:latest'], ['a'])
    const hex = id.slice('sha256:'.length)
    for (const text of ['a:1', 'docker.io/library/a:1', `a@${id}`, id, hex, hex.slice(0, 1), id.slice(0, 12), 'feed']) {
      assert.equal(findImage(store, text)?.id, id, text)
    }
    assert.equal(resolveImage(store, 'a:1').name, `${HUB}/a:1`)
    assert.equal(resolveImage(store, hex).name, undefined)
  })

  test('what is no image is said in docker words', async t => {
    const { store, id } = await storeWith(t, ['w:1'], [])
    for (const text of ['zzz', 'w', 'w:2', `b@${id}`, id.replace(/.$/, '-')]) {
      assert.throws(() => resolveImage(store, text), {
        code: 'IMAGE_NOT_FOUND',
        message: `No such image: ${text}`,
      })
    }
    for (const text of ['UPPER', 'w:', 'w:-', 'w@sha256:1', '']) {
      const start = `invalid reference format: ${JSON.stringify(text)}: `
      assert.throws(
        () => resolveImage(store, text),
        ({ code, message }) => code === 'INVALID_REFERENCE' && message.startsWith(start),
      )
    }
  })

  test('an ID that begins several is ambiguous', async t => {
    const { store } = await storeWith(t, [], [])
    const lease = store.lease('test')
    const layers = [await addLayer(store, lease, 'y')]
    for (let i = 0; i < 16; i++) await addImage(store, lease, { layers, author: String(i) })
    const digits = store.images.list().map(image => image.id.charAt('sha256:'.length))
    const twice = digits.find((digit, i) => digits.indexOf(digit) !== i) ?? assert.fail('17 IDs, 16 digits')
    assert.throws(() => resolveImage(store, twice), { code: 'IMAGE_AMBIGUOUS' })
  })
})

async function storeWith(
  t: TestContext,
  tags: readonly string[],
  repositories: readonly string[],
): Promise<{ readonly store: LocalStore; readonly id: Digest }> {
  const store = temporaryStore(t)
  const lease = store.lease('test')
  const { digest } = await addImage(store, lease, { layers: [await addLayer(store, lease, 'x')] })
  for (const tag of tags) store.images.tag(`${HUB}/${tag}`, digest, 'test')
  for (const repository of repositories) store.images.addRepoDigest(`${HUB}/${repository}`, digest)
  return { store, id: digest }
}

function shown(removal: ImageRemoval): string {
  return 'untagged' in removal ? removal.untagged : 'deleted'
}
