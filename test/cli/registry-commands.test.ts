import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { fakeRegistry, sendError } from '../../src/registry/client/testing.ts'
import { imageOf, tarOf } from '../../src/transfer/testing.ts'
import { shale } from '../support/shale.ts'

const AMD = imageOf({ layers: [tarOf({ a: 'a' })] })
const ARM = imageOf({ layers: [tarOf({ a: 'arm' })], architecture: 'arm64' })

async function setting(t: TestContext) {
  const [call, registry] = await Promise.all([shale(t), fakeRegistry(t)])
  for (const name of ['team/app', 'team/web', 'other']) registry.addImage(name, '1', AMD)
  registry.addImage('team/app', '2', AMD)
  const index = registry.addIndex('team/app', 'multi', [AMD, ARM])
  const succeed = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await call(['registry', ...args])
    assert.deepEqual([code, stderr], [0, ''])
    return stdout
  }
  const refused = async (...args: readonly string[]) => {
    const { code, stderr } = await call(['registry', ...args])
    assert.equal(code, 1)
    return stderr
  }
  return { registry, index, succeed, refused, app: `${registry.host}/team/app` }
}

test('ls lists repositories page by page, or those with a prefix', async t => {
  const { registry, succeed, refused } = await setting(t)
  assert.equal(await succeed('ls', registry.host), 'other\nteam/app\nteam/web\n')
  assert.equal(await succeed('ls', `http://${registry.host}/team/`), 'team/app\nteam/web\n')
  registry.intercept = (_, response) => sendError(response, 404, 'UNSUPPORTED')
  assert.match(
    await refused('ls', registry.host),
    /cannot list the repositories of .*\nhint: this registry does not tell/,
  )
})

test('tags lists tags', async t => {
  const { app, succeed, refused } = await setting(t)
  assert.deepEqual((await succeed('tags', app)).trim().split('\n').toSorted(), ['1', '2', 'multi'])
  assert.match(
    await refused('tags', `${app}:1`),
    /is one image, not a repository\nhint: name the repository alone: .*app\n/,
  )
  assert.match(await refused('tags', `${app}/none`), /HTTP 404/)
})

test('manifest prints bytes as they are, a digest, a platform’s manifest and a configuration', async t => {
  const { app, index, registry, succeed, refused } = await setting(t)
  assert.equal(await succeed('manifest', `${app}:1`), AMD.manifest.toString())
  assert.equal(await succeed('manifest', `${app}@${AMD.digest}`), AMD.manifest.toString())
  assert.equal(await succeed('manifest', `${app}:multi`), String(registry.manifests.get('team/app@multi')?.raw))
  assert.equal(await succeed('manifest', '--digest', `${app}:multi`), `${index}\n`)
  assert.equal(await succeed('manifest', '--platform', 'linux/arm64', `${app}:multi`), ARM.manifest.toString())
  assert.equal(
    await succeed('manifest', '--config', '--platform', 'linux/arm64', `${app}:multi`),
    ARM.config.toString(),
  )
  assert.match(
    await refused('manifest', '--platform', 'linux/s390x', `${app}:multi`),
    /it has linux\/amd64, linux\/arm64/,
  )
  assert.match(await refused('manifest', `${app}:3`), /HTTP 404/)
})

test('delete deletes a tag, or by its digest an image with all its tags', async t => {
  const { app, registry, succeed, refused } = await setting(t)
  assert.equal(await succeed('delete', `${app}:2`), `Deleted: ${app}:2\n`)
  assert.equal(registry.manifests.has('team/app@2'), false)
  assert.equal(registry.manifests.has('team/app@1'), true)
  assert.equal(await succeed('delete', `${app}@${AMD.digest}`), `Deleted: ${app}@${AMD.digest}\n`)
  assert.equal(registry.manifests.has('team/app@1'), false)
  assert.equal(registry.manifests.has('team/web@1'), true)
  assert.match(await refused('delete', `${app}:multi`, app), /names no tag and no digest; nothing was deleted\nhint: /)
  assert.equal(registry.manifests.has('team/app@multi'), true)
  assert.match(await refused('delete', `${app}:2`), /cannot delete .*: HTTP 404/)
})

test('a registry that deletes no tag alone: what can be done is said, and not done', async t => {
  const { app, registry, refused } = await setting(t)
  registry.intercept = (request, response) => {
    if (request.method !== 'DELETE') return false
    return sendError(response, 405, 'UNSUPPORTED')
  }
  const stderr = await refused('delete', `${app}:1`)
  assert.match(stderr, /deletes no tag alone\nhint: this deletes the image with all its tags: shale registry delete /)
  assert.ok(stderr.includes(`${app}@${AMD.digest}`))
  assert.match(await refused('delete', `${app}@${AMD.digest}`), /set up so that nothing is\nhint: /)
  assert.equal(registry.manifests.has('team/app@1'), true)
})
