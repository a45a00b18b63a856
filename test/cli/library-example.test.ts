import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { mustRun } from '../../scripts/bases/process.ts'
import { build, openStore } from '../../src/index.ts'
import { fakeRegistry } from '../../src/registry/client/testing.ts'
import { fixtureTree } from '../support/fixture.ts'
import { tmp } from '../support/shale.ts'

const EXAMPLE = join(import.meta.dirname, '../../examples/library/inspect.ts')

test('the library example builds, explains and reads', async t => {
  const dockerfile = 'FROM scratch\nCOPY greeting /\nLABEL a=b\n'
  const context = await fixtureTree(await tmp(t), { Dockerfile: dockerfile, greeting: 'hello\n' })
  const root = join(await tmp(t, 'root'), 'store')
  const first = await mustRun(process.execPath, [EXAMPLE, context, root, '/greeting'])
  assert.match(first, /ran +\[.*COPY greeting \/: first build here\n/)
  assert.match(first, /image sha256:[0-9a-f]{64} has 1 layers\nhello\n$/)
  const second = await mustRun(process.execPath, [EXAMPLE, context, root, '/greeting'])
  assert.match(second, /cached +\[.*COPY greeting \/: same inputs as on/)
})

test('the library builds from and to caches in a registry and in a folder', async t => {
  const dockerfile = 'FROM scratch\nCOPY greeting /\nWORKDIR /work\n'
  const context = await fixtureTree(await tmp(t), { Dockerfile: dockerfile, greeting: 'hello\n' })
  const folder = join(await tmp(t), 'cache')
  const { host } = await fakeRegistry(t)
  const inNewStore = async (caches: {
    readonly cacheFrom?: readonly string[]
    readonly cacheTo?: readonly string[]
  }) => {
    const store = openStore({ root: join(await tmp(t), 'store') })
    try {
      const { ran, cached, imageId } = await build(store, { context, ...caches })
      return { ran, cached, imageId }
    } finally {
      store.close()
    }
  }
  const ref = `${host}/team/app:cache`
  const first = await inNewStore({ cacheTo: [`type=registry,ref=${ref}`, `type=local,dest=${folder}`] })
  assert.deepEqual([first.ran, first.cached], [2, 0])
  for (const cacheFrom of [[ref], [`type=local,src=${folder}`]]) {
    assert.deepEqual(await inNewStore({ cacheFrom }), { ...first, ran: 0, cached: 2 })
  }
  await assert.rejects(inNewStore({ cacheFrom: ['type=nowhere'] }), { code: 'INVALID_CACHE' })
})
