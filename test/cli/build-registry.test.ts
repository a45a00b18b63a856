import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { fakeRegistry } from '../../src/registry/client/testing.ts'
import { imageOf, tarOf } from '../../src/transfer/testing.ts'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

async function setting(t: TestContext) {
  const [call, registry, context] = await Promise.all([shale(t), fakeRegistry(t), tmp(t)])
  const base = (text: string) => imageOf({ layers: [tarOf({ base: text })] })
  registry.addImage('base', '1', base('old'))
  registry.addImage('tools', '1', base('tool'))
  const dockerfile = `FROM ${registry.host}/base:1\nCOPY --from=${registry.host}/tools:1 /base /tool\nCOPY f /f\n`
  await fixtureTree(context, { Dockerfile: dockerfile, f: 'content' })
  const build = (...args: readonly string[]) => call(['build', ...args, context])
  const asked = (repository: string) =>
    registry.requests.filter(request => request.includes(`/v2/${repository}/`)).length
  return { call, registry, build, asked, update: () => registry.addImage('base', '1', base('new')) }
}

test('FROM and COPY --from pull what is missing, and from then on nothing', async t => {
  const { build, asked } = await setting(t)
  const first = await build('-q')
  assert.equal(first.code, 0, first.stderr)
  const before = [asked('base'), asked('tools')]
  assert.ok(before.every(count => count > 0))
  assert.equal((await build('-q')).stdout, first.stdout)
  assert.deepEqual([asked('base'), asked('tools')], before)
})

for (const flag of ['--pull', '--pull=true', '--pull=always', '--pull=newer']) {
  test(`build ${flag} takes a newer base`, async t => {
    const { build, update } = await setting(t)
    const first = await build('-q')
    update()
    assert.equal((await build('-q')).stdout, first.stdout)
    assert.notEqual((await build('-q', flag)).stdout, first.stdout)
  })
}

for (const flag of ['--pull=false', '--pull=missing', '--pull=never']) {
  test(`build ${flag} takes the base that is here`, async t => {
    const { build, update } = await setting(t)
    const first = await build('-q')
    update()
    assert.equal((await build('-q', flag)).stdout, first.stdout)
  })
}

test('build --pull=never refuses a base that is not here, and points at the line', async t => {
  const { build, registry } = await setting(t)
  const { code, stderr } = await build('-q', '--pull=never')
  assert.equal(code, 1)
  assert.match(stderr, /base:1 is not in the store, and --pull=never keeps from fetching it/)
  assert.match(stderr, /hint: fetch it first: shale pull 127/)
  assert.deepEqual(registry.requests, [])
})

test('build --push pushes every name, with the digest that was built', async t => {
  const { build, registry } = await setting(t)
  const names = ['1', '2'].map(tag => `${registry.host}/team/app:${tag}`)
  const { code, stdout, stderr } = await build('--push', '-t', names[0] ?? '', '-t', names[1] ?? '')
  assert.deepEqual([code, stdout], [0, ''], stderr)
  for (const name of names)
    assert.match(stderr, new RegExp(`\\npushed ${name}: digest: sha256:[0-9a-f]{64} size: \\d+\\n`))
  assert.deepEqual(registry.manifests.get('team/app@1'), registry.manifests.get('team/app@2'))
  const quiet = await build('--push', '-q', '-t', names[0] ?? '')
  assert.deepEqual([quiet.code, quiet.stderr], [0, ''])
  assert.ok(registry.manifests.has(`team/app@${quiet.stdout.trim()}`))
})

test('build --push without a name is refused before anything is built', async t => {
  const { build, registry } = await setting(t)
  const { code, stderr } = await build('--push')
  assert.equal(code, 1)
  assert.match(stderr, /^ERROR: tag is needed when pushing to registry\nhint: /)
  assert.deepEqual(registry.requests, [])
})

test('a push that is refused leaves the image built, and the exit code says so', async t => {
  const { build, call, registry } = await setting(t)
  registry.intercept = (request, response) => {
    if (request.method !== 'POST') return false
    response.writeHead(403).end()
    return true
  }
  const { code, stderr } = await build('--push', '-t', `${registry.host}/team/app:1`)
  assert.equal(code, 1)
  assert.match(stderr, /ERROR: cannot upload blob .*HTTP 403/)
  assert.equal((await call(['images', '-q', `${registry.host}/team/app:1`])).stdout.trim().length, 12)
})
