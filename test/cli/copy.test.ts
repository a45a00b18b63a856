import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fakeRegistry } from '../../src/registry/client/testing.ts'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

async function setting(t: TestContext) {
  const [call, registry, folder] = await Promise.all([shale(t), fakeRegistry(t), tmp(t)])
  const context = await fixtureTree(join(folder, 'context'), { Dockerfile: 'FROM scratch\nCOPY f /f', f: 'content' })
  const { stdout, stderr } = await call(['build', '-q', '-t', 'app:1', context])
  assert.equal(stderr, '')
  return { call, registry, folder, id: stdout.trim() }
}

test('copy takes a plain name from the store, says what it does, and the digest stays', async t => {
  const { call, registry, id } = await setting(t)
  const target = `docker://${registry.host}/team/app:1`
  const { code, stdout, stderr } = await call(['copy', 'app:1', target])
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^([0-9a-f]{12}: (?:Waiting|Copied)\n)+Digest: sha256:/)
  assert.ok(stdout.endsWith(`Digest: ${id}\nStatus: Copied app:1 to ${target}\n`), stdout)
  assert.ok(registry.manifests.has('team/app@1'))
})

test('a plain name that the store lacks is looked for in its registry; copied to a plain name it is in the store', async t => {
  const { call, registry, id } = await setting(t)
  const name = `${registry.host}/team/app:1`
  await call(['copy', '-q', 'app:1', `docker://${name}`])
  const other = await shale(t)
  const copied = await other(['copy', '-q', name, 'mine:2'])
  assert.deepEqual(copied, { code: 0, stdout: `${id}\n`, stderr: '' })
  assert.equal(
    (await other(['images', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}'])).stdout,
    `mine:2 ${id}\n`,
  )
})

test('layouts and archives that copy writes are ones that load reads, under the name that the image had', async t => {
  const { call, folder } = await setting(t)
  for (const kind of ['oci', 'oci-archive', 'docker-archive']) {
    const path = join(folder, kind)
    assert.equal((await call(['copy', '-q', 'app:1', `${kind}:${path}`])).code, 0)
    assert.equal((await (await shale(t))(['load', '-i', path])).stdout, 'Loaded image: app:1\n')
  }
  await call(['copy', '-q', 'app:1', `oci:${folder}/tagged:1.0`])
  const [entry] = JSON.parse(readFileSync(join(folder, 'tagged/index.json'), 'utf8')).manifests
  assert.deepEqual(entry.annotations, { 'org.opencontainers.image.ref.name': '1.0' })
})

for (const [args, message] of [
  [['app:1'], /requires exactly 2 arguments/],
  [['app:1', 'dir:x'], /^ERROR: "dir:x": the transport dir: is not supported\nhint: name an image, or docker:\/\/NAME/],
  [['none:1', 'oci:x'], /OFFLINE|cannot|not in the store/],
  [['-a', '--platform', 'linux/arm64', 'app:1', 'b:1'], /--platform and --all-platforms exclude each other/],
  [['app:1', 'b@sha256:0'], /invalid reference format/],
] as const) {
  test(`copy ${args.join(' ')} is refused`, async t => {
    const { call } = await setting(t)
    const { code, stderr } = await call(['--offline', 'copy', ...args])
    assert.equal(code, 1)
    assert.match(stderr, message)
  })
}
