import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { temporaryStore } from './testing.ts'

test('a volume is made once, and stays as it is', t => {
  const { volumes } = temporaryStore(t)
  const made = volumes.create({ name: 'data', labels: { a: '1' } })
  assert.deepEqual(volumes.create({ name: 'data', labels: { b: '2' } }), made)
  assert.equal(statSync(made.mountpoint).mode & 0o777, 0o755)
  assert.deepEqual([made.anonymous, made.filled, made.users], [false, false, []])
  const unnamed = volumes.create({})
  assert.match(unnamed.name, /^[0-9a-f]{64}$/)
  assert.equal(unnamed.anonymous, true)
  assert.deepEqual(volumes.list().length, 2)
})

for (const name of ['', 'a', '.a', '../a', 'a/b', 'a b', `a${'b'.repeat(255)}`]) {
  test(`${JSON.stringify(name.slice(0, 10))} is no name of a volume`, t => {
    assert.throws(() => temporaryStore(t).volumes.create({ name }), { code: 'INVALID_VOLUME_NAME' })
  })
}

test('a volume is kept by those that have it: by ID, or as long as a lease lives', async t => {
  const store = temporaryStore(t)
  const { volumes } = store
  const { mountpoint } = volumes.create({ name: 'data' })
  writeFileSync(join(mountpoint, 'f'), '')
  const lease = store.lease('run')
  volumes.use('data', 'one')
  volumes.use('data', 'two', lease)
  assert.deepEqual(volumes.get('data')?.users, ['one', 'two'])
  await assert.rejects(volumes.remove('data'), { code: 'VOLUME_IN_USE', message: /\[one, two\]/ })
  volumes.letGo('one')
  lease.end()
  await volumes.remove('data')
  assert.equal(existsSync(dirname(mountpoint)), false)
  assert.deepEqual(readdirSync(store.layout.trash), [])
  await assert.rejects(volumes.remove('data'), { code: 'VOLUME_NOT_FOUND' })
  assert.throws(() => volumes.use('data', 'three'), { code: 'VOLUME_NOT_FOUND' })
})

test('what a volume begins with is decided once, unless it is empty and nobody else has it', t => {
  const { volumes } = temporaryStore(t)
  const { mountpoint } = volumes.create({ name: 'data' })
  const folder = (name: string) => {
    const path = join(dirname(mountpoint), name)
    mkdirSync(path)
    writeFileSync(join(path, 'who'), name)
    return path
  }
  volumes.use('data', 'one')
  volumes.use('data', 'two')
  assert.equal(volumes.fill('data', 'one'), true)
  assert.equal(volumes.fill('data', 'two', folder('second')), false)
  volumes.letGo('one')
  assert.equal(volumes.fill('data', 'two', join(dirname(mountpoint), 'second')), true)
  assert.equal(volumes.fill('data', 'two', folder('third')), false)
  assert.equal(readFileSync(join(mountpoint, 'who'), 'utf8'), 'second')
})
