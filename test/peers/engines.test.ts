import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { mustRun } from '../../scripts/bases/process.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { tmp } from '../support/shale.ts'
import { buildahBuild } from './buildah.ts'
import { startDocker } from './docker.ts'
import { whyNoPeers } from './root.ts'

const DOCKERFILE = 'FROM scratch\nADD base.tar /\nRUN echo made > /x && adduser -D kim && id kim\n'

const reason = whyNoPeers()
if (reason !== undefined) console.log(`engines are not tested here: ${reason}`)
else {
  test('buildah runs a step of a build', async t => {
    const context = await fixtureTree(await tmp(t), { Dockerfile: DOCKERFILE })
    await mustRun('tar', ['-C', await busyboxRootfs(), '-cf', join(context, 'base.tar'), '.'])
    const outcome = await buildahBuild([context], { binds: [{ host: context, inner: context }] })
    assert.equal(outcome.code, 0, outcome.stderr)
    assert.match(outcome.stdout, /uid=1000\(kim\)/)
  })

  test('Docker Engine builds and runs', async t => {
    const context = await fixtureTree(await tmp(t), { Dockerfile: DOCKERFILE })
    await mustRun('tar', ['-C', await busyboxRootfs(), '-cf', join(context, 'base.tar'), '.'])
    const engine = await startDocker([context])
    try {
      await engine.docker('build', '--network=host', '-t', 'made', context)
      assert.equal(await engine.docker('run', '--rm', '--network=host', 'made', 'cat', '/x'), 'made\n')
    } finally {
      await engine.stop()
    }
  })
}
