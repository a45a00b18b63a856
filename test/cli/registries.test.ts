import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fakeRegistry } from '../../src/registry/client/testing.ts'
import { imageOf, tarOf } from '../../src/transfer/testing.ts'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

const IMAGE = imageOf({ layers: [tarOf({ a: 'a' })] })

async function setting(t: TestContext) {
  const folder = await tmp(t)
  const [call, registry, mirror] = await Promise.all([shale(t), fakeRegistry(t), fakeRegistry(t)])
  registry.addImage('app', '1', IMAGE)
  const context = await fixtureTree(join(folder, 'context'), {
    Dockerfile: `FROM ${registry.host}/app:1\nCOPY f /f`,
    f: 'content',
  })
  return { call, registry, mirror, folder, context, name: `${registry.host}/app:1` }
}

test('a mirror from registries.yaml answers; --debug says which', async t => {
  const { call, registry, mirror, folder, name } = await setting(t)
  mirror.addImage('hub/app', '1', IMAGE)
  const file = join(folder, 'registries.yaml')
  writeFileSync(file, `registries:\n  ${registry.host}:\n    mirrors: ["${mirror.host}/hub"]\n`)
  const pulled = await call(['--debug', '--registries-config', file, 'pull', '-q', name])
  assert.deepEqual(pulled, { code: 0, stdout: `${name}\n`, stderr: `DEBUG: answered by ${mirror.host}/hub/app\n` })
  assert.deepEqual(registry.requests, [])
  const quiet = await call(['pull', '-q', name], { env: { SHALE_REGISTRIES: file } })
  assert.deepEqual(quiet, { code: 0, stdout: `${name}\n`, stderr: '' })
})

test('registries.yaml is found in the XDG folder; an error names file and line, and shows it', async t => {
  const { call, folder, name } = await setting(t)
  mkdirSync(join(folder, 'shale'))
  const file = join(folder, 'shale/registries.yaml')
  writeFileSync(file, 'registries:\n  docker.io:\n    insecure: yes\n')
  const { code, stderr } = await call(['pull', name], { env: { XDG_CONFIG_HOME: folder } })
  assert.equal(code, 1)
  assert.ok(
    stderr.startsWith(`ERROR: ${file}:3: say which: plain-http (no TLS) or skip-verify (any certificate)\n`),
    stderr,
  )
  assert.match(stderr, /> 3 \| {5}insecure: yes\n/)
  const missing = await call(['--registries-config', join(folder, 'none'), 'pull', name])
  assert.match(missing.stderr, /^ERROR: cannot read .*none: no such file\nhint: /)
})

test('--offline and SHALE_OFFLINE: no request is made, and what is missing is named', async t => {
  const { call, registry, context, name } = await setting(t)
  const lines = [
    ['pull', name],
    ['build', context],
    ['run', name],
  ]
  for (const line of lines) {
    const { code, stderr } = await call(['--offline', ...line])
    assert.notEqual(code, 0)
    assert.match(stderr, new RegExp(`ERROR: ${name} is not in the store, and --offline keeps from fetching it\n`))
    assert.match((await call(line, { env: { SHALE_OFFLINE: '1' } })).stderr, /--offline keeps from fetching it/)
  }
  assert.deepEqual(registry.requests, [])
})

test('--offline: what the store has will do, also for a build that would ask for newer bases', async t => {
  const { call, registry, context, name } = await setting(t)
  assert.equal((await call(['pull', '-q', name])).code, 0)
  registry.requests.length = 0
  const pulled = await call(['--offline', 'pull', '-q', name])
  assert.deepEqual(pulled, { code: 0, stdout: `${name}\n`, stderr: '' })
  const told = await call(['--offline', 'pull', name])
  assert.match(told.stderr, /^WARNING: --offline: .*app:1 is as stored here; its registry was not asked\n$/)
  assert.equal((await call(['--offline', 'build', '-q', '--pull', context])).code, 0)
  const pushed = await call(['--offline', 'push', name])
  assert.match(pushed.stderr, /^ERROR: cannot push .*app:1: --offline keeps from using the network\n/)
  assert.deepEqual(registry.requests, [])
})
