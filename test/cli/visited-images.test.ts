import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { fakeRegistry } from '../../src/registry/client/testing.ts'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

test('size and diff take images from layouts, archives and registries, say the same of them, and keep nothing', async t => {
  const folder = await fixtureTree(await tmp(t), {
    Dockerfile: 'FROM scratch\nCOPY one /a\nCOPY two /a\n',
    one: 'x'.repeat(5000),
    two: 'y'.repeat(7000),
  })
  const temporary = await tmp(t, 'tmp')
  const call = await shale(t, { cwd: folder, env: { TMPDIR: temporary } })
  const ok = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await call(args)
    assert.equal(code, 0, stderr)
    return stdout
  }
  await ok('build', '-q', '-t', 'app', '.')
  const registry = await fakeRegistry(t)
  const places = ['oci:layout', 'oci-archive:oci.tar', 'docker-archive:docker.tar', `docker://${registry.host}/app:1`]
  for (const place of places) await ok('copy', '-q', 'app', place)
  const elsewhere = await shale(t, { cwd: folder, env: { TMPDIR: temporary } })
  const wanted = await ok('size', 'app')
  for (const place of places) {
    const { code, stdout, stderr } = await elsewhere(['size', place])
    assert.deepEqual([code, stdout], [0, wanted], `${place}: ${stderr}`)
  }
  assert.equal(await ok('diff', '--exit-code', 'app', 'oci:layout'), 'The images are the same.\n')
  assert.equal((await elsewhere(['images', '-q'])).stdout, '')
  assert.deepEqual(await readdir(temporary), [])
  const missing = await elsewhere(['size', 'app'])
  assert.deepEqual(
    [missing.code, missing.stderr],
    [1, 'ERROR: No such image: app\nhint: `shale pull app`, or docker://app to look at it where it is\n'],
  )
  const none = await elsewhere(['size', 'oci:none'])
  assert.equal(none.code, 1)
  assert.deepEqual(await readdir(temporary), [])
})
