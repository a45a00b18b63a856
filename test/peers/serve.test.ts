import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { hashSync } from 'bcryptjs'
import { mustRun } from '../../scripts/bases/process.ts'
import { client, jsonOf, type Send } from '../../src/registry/server/testing-server.ts'
import { type ServerProcess, startServe } from '../registry/server-process.ts'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { tmp } from '../support/shale.ts'
import { startDocker } from './docker.ts'
import { runInPeerRoot, whyNoPeers } from './root.ts'
import { peer, sampleImage, sampleTree, writeLayout } from './sample.ts'

const reason = whyNoPeers()
const PLAIN = ['--src-tls-verify=false', '--dest-tls-verify=false']
const skopeo = (...args: string[]) => ['skopeo', '--insecure-policy', ...args]

interface Setting {
  readonly work: string
  readonly server: ServerProcess
  readonly send: Send
}

async function setting(t: TestContext, args: readonly string[] = []): Promise<Setting> {
  const work = await tmp(t, 'peers')
  const server = await startServe(join(work, 'store'), args)
  t.after(() => server.stop('SIGKILL'))
  return { work, server, send: client(t, server.url) }
}

/** A program of the engines, as a shell script, with `work` bound to its own path. */
async function engine(work: string, script: string): Promise<string> {
  const command = ['sh', '-ec', script]
  const outcome = await runInPeerRoot(command, { set: 'engines', binds: [{ host: work, inner: work }] })
  if (outcome.code !== 0) throw new Error(`${script}: ${outcome.stderr}${outcome.stdout}`)
  return outcome.stdout
}

async function digestOf(send: Send, name: string, reference: string): Promise<string | undefined> {
  const { headers } = await send('HEAD', `/v2/${name}/manifests/${reference}`)
  return headers['docker-content-digest'] as string | undefined
}

/** A context whose image is a small Debian busybox with one more file. */
async function busyboxContext(t: TestContext): Promise<string> {
  const context = await fixtureTree(await tmp(t), {
    Dockerfile: 'FROM scratch\nADD base.tar /\nCOPY f /f\n',
    f: 'content',
  })
  await mustRun('tar', ['-C', await busyboxRootfs(), '-cf', join(context, 'base.tar'), '.'])
  return context
}

if (reason !== undefined) console.log(`the registry server is not tested with other clients here: ${reason}`)
else {
  describe('skopeo', () => {
    test('copies in and out with every compression, lists, inspects and deletes', async t => {
      const { work, server, send } = await setting(t)
      const tree = await sampleTree(join(work, 'tree'))
      for (const compression of ['gzip', 'zstd', 'none'] as const) {
        const image = sampleImage(tree, compression)
        const layout = writeLayout(join(work, compression), image, '1')
        const name = `docker://${server.host}/team/app:${compression}`
        await peer(work, skopeo('copy', '-q', '--preserve-digests', ...PLAIN, `oci:${layout}:1`, name))
        assert.equal(await digestOf(send, 'team/app', compression), image.digest)
        await peer(
          work,
          skopeo('copy', '-q', '--preserve-digests', ...PLAIN, name, `oci:${work}/back-${compression}:1`),
        )
      }
      const v2s2 = `docker://${server.host}/team/app:v2s2`
      await peer(work, skopeo('copy', '-q', '--format', 'v2s2', ...PLAIN, `oci:${work}/gzip:1`, v2s2))
      const tags = JSON.parse(await peer(work, skopeo('list-tags', '--tls-verify=false', v2s2.replace(/:v2s2$/, ''))))
      assert.deepEqual(tags.Tags, ['gzip', 'none', 'v2s2', 'zstd'])
      const inspected = JSON.parse(await peer(work, skopeo('inspect', '--tls-verify=false', v2s2)))
      assert.equal(inspected.Digest, await digestOf(send, 'team/app', 'v2s2'))
      await peer(work, skopeo('delete', '--tls-verify=false', v2s2))
      assert.equal(await digestOf(send, 'team/app', 'v2s2'), undefined)
    })

    test('syncs a repository to a folder and back into another', async t => {
      const { work, server, send } = await setting(t)
      const image = sampleImage(await sampleTree(join(work, 'tree')))
      const layout = writeLayout(join(work, 'layout'), image, '1')
      for (const tag of ['1', '2']) {
        await peer(work, skopeo('copy', '-q', ...PLAIN, `oci:${layout}:1`, `docker://${server.host}/app:${tag}`))
      }
      mkdirSync(join(work, 'out'))
      const sync = (...args: string[]) => peer(work, skopeo('sync', '--preserve-digests', ...PLAIN, ...args))
      await sync('--src', 'docker', '--dest', 'dir', `${server.host}/app`, join(work, 'out'))
      await sync('--src', 'dir', '--dest', 'docker', join(work, 'out'), `${server.host}/copies`)
      assert.equal(await digestOf(send, 'copies/app', '2'), image.digest)
    })

    test('signs in', async t => {
      const folder = await tmp(t)
      writeFileSync(join(folder, 'users'), `ann:${hashSync('p:ss wörd', 5)}\n`)
      const { work, server } = await setting(t, ['--htpasswd', join(folder, 'users')])
      const layout = writeLayout(join(work, 'layout'), sampleImage(await sampleTree(join(work, 'tree'))), '1')
      const copy = (credentials: string) =>
        peer(
          work,
          skopeo(
            'copy',
            '-q',
            '--dest-creds',
            credentials,
            ...PLAIN,
            `oci:${layout}:1`,
            `docker://${server.host}/app:1`,
          ),
        )
      await assert.rejects(copy('ann:wrong'), /unauthorized|authentication required|invalid username/)
      await copy('ann:p:ss wörd')
    })
  })

  test('buildah and podman push and pull', async t => {
    const { work, server, send } = await setting(t)
    writeFileSync(join(work, 'f'), 'content')
    const name = `${server.host}/made/by/buildah:1`
    const script = `
      buildah() { command buildah --storage-driver=vfs "$@"; }
      podman() { command podman --storage-driver=vfs "$@"; }
      c=$(buildah from scratch)
      buildah copy -q "$c" ${work}/f /f >/dev/null
      buildah commit -q "$c" ${name} >/dev/null
      buildah push -q --tls-verify=false ${name}
      buildah rm "$c" >/dev/null; buildah rmi -f ${name} >/dev/null
      podman pull -q --tls-verify=false ${name} >/dev/null
      podman tag ${name} ${server.host}/made/by/podman:2
      podman push -q --tls-verify=false ${server.host}/made/by/podman:2
      podman image inspect --format '{{.Digest}}' ${name}`
    const digest = (await engine(work, script)).trim()
    assert.equal(await digestOf(send, 'made/by/buildah', '1'), digest)
    assert.ok(await digestOf(send, 'made/by/podman', '2'))
  })

  test('Docker Engine pushes, pulls and runs; containerd’s ctr pulls and pushes', async t => {
    const { work, server, send } = await setting(t)
    const context = await busyboxContext(t)
    const docker = await startDocker([context, work])
    try {
      const name = `${server.host}/app:1`
      await docker.docker('build', '-q', '-t', name, context)
      const pushed = await docker.docker('push', name)
      const [, digest] = /digest: (sha256:[0-9a-f]{64})/.exec(pushed) ?? []
      assert.equal(await digestOf(send, 'app', '1'), digest)
      await docker.docker('tag', name, `${server.host}/mounted:1`)
      // The layers are mounted from the other repository.
      assert.match(await docker.docker('push', `${server.host}/mounted:1`), /Mounted from app/)
      await docker.docker('rmi', '-f', name, `${server.host}/mounted:1`)
      assert.match(await docker.docker('pull', `${server.host}/app@${digest}`), /Downloaded newer image/)
      assert.equal(
        await docker.docker('run', '--rm', '--network=host', `${server.host}/app@${digest}`, 'cat', '/f'),
        'content',
      )
      const socket = join(dirname(new URL(docker.host).pathname), 'exec/containerd/containerd.sock')
      const folder = dirname(new URL(docker.host).pathname)
      const ctr = (args: string) => engine(folder, `ctr -a ${socket} -n shale images ${args}`)
      await ctr(`pull --plain-http ${name}`)
      await ctr(`tag ${name} ${server.host}/from/ctr:2`)
      await ctr(`push --plain-http ${server.host}/from/ctr:2`)
      assert.equal(await digestOf(send, 'from/ctr', '2'), digest)
    } finally {
      await docker.stop()
    }
    assert.deepEqual(jsonOf(await send('GET', '/v2/_catalog')), { repositories: ['app', 'from/ctr', 'mounted'] })
  })
}
