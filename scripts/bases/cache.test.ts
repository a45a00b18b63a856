import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { cached, keyOf } from './cache.ts'
import { run } from './process.ts'

let folder = ''
const before = process.env.SHALE_TEST_CACHE

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shale-cache-'))
  process.env.SHALE_TEST_CACHE = folder
})

afterEach(async () => {
  if (before === undefined) delete process.env.SHALE_TEST_CACHE
  else process.env.SHALE_TEST_CACHE = before
  await rm(folder, { recursive: true })
})

test('many at once make a thing once', async () => {
  let made = 0
  const make = async (path: string) => {
    made++
    await writeFile(path, 'made')
  }
  const paths = await Promise.all(Array.from({ length: 8 }, () => cached('thing', make)))
  assert.deepEqual(new Set(paths), new Set([join(folder, 'thing')]))
  assert.equal(made, 1)
  assert.deepEqual(await readdir(folder), ['thing'])
})

test('a failed making leaves nothing that counts, and the next one tries again', async () => {
  const fail = async (path: string) => {
    await writeFile(path, 'half')
    throw new Error('no network')
  }
  await assert.rejects(cached('thing', fail), /no network/)
  const path = await cached('thing', made => writeFile(made, 'whole', { flag: 'wx' }))
  assert.equal(await readFile(path, 'utf8'), 'whole')
})

test('the lock of a process that is gone is taken over', async () => {
  const gone = (await run('sh', ['-c', 'echo $$'])).stdout.trim()
  await mkdir(join(folder, 'thing.lock'))
  await writeFile(join(folder, 'thing.lock/pid'), gone)
  await cached('thing', path => writeFile(path, ''))
  assert.deepEqual(await readdir(folder), ['thing'])
})

test('a key tells parts apart, not only their concatenation', () => {
  assert.equal(keyOf('a', 'b'), keyOf('a', 'b'))
  assert.notEqual(keyOf('a', 'b'), keyOf('ab'))
})
