import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { loadArchive } from '../../src/archive/load.ts'
import { saveLayout } from '../../src/archive/save.ts'
import { dockerCredentials } from '../../src/registry/client/credentials.ts'
import { pullImage } from '../../src/registry/client/pull.ts'
import { pushImage } from '../../src/registry/client/push.ts'
import { createRegistryClient } from '../../src/registry/client/registry.ts'
import { temporaryFolder, temporaryStore } from '../../src/store/testing.ts'
import { snapshotTree } from '../support/snapshot.ts'
import { type Login, startRegistry } from './registry.ts'
import { whyNoPeers } from './root.ts'
import { peer, sampleImage, sampleTree, umociUnpack, writeLayout } from './sample.ts'

const reason = whyNoPeers()
const SKOPEO = ['skopeo', '--insecure-policy', 'copy', '-q', '--src-tls-verify=false', '--dest-tls-verify=false']

async function registry(t: TestContext, login?: Login) {
  const running = await startRegistry(login)
  t.after(() => running.stop())
  return running.host
}

/** A client that has only the credentials given here. */
function client(t: TestContext, host: string, login?: Login) {
  const folder = temporaryFolder(t)
  const auth = Buffer.from(`${login?.user}:${login?.password}`).toString('base64')
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: login === undefined ? {} : { [host]: { auth } } }))
  const env = { ...process.env, DOCKER_CONFIG: folder }
  const made = createRegistryClient({ env, credentials: dockerCredentials(env) })
  t.after(() => made.close())
  return { client: made }
}

if (reason !== undefined) console.log(`pull and push are not tested against peers here: ${reason}`)
else {
  describe('pull and push against docker-registry', () => {
    for (const compression of ['gzip', 'zstd', 'none'] as const) {
      test(`what skopeo pushed with ${compression} layers we pull; what we push it pulls, digest and tree kept`, async t => {
        const work = temporaryFolder(t)
        const tree = await sampleTree(join(work, 'tree'))
        const image = sampleImage(tree, compression)
        const given = writeLayout(join(work, 'given'), image, '1')
        const host = await registry(t)
        await peer(work, [...SKOPEO, '--preserve-digests', `oci:${given}:1`, `docker://${host}/sample:1`])
        const store = temporaryStore(t)
        const options = client(t, host)
        const pulled = await pullImage(store, `${host}/sample:1`, options)
        assert.equal(pulled.digest, image.digest)
        store.images.tag(`${host}/other/copy:2`, pulled.digest, 'test')
        assert.equal((await pushImage(store, `${host}/other/copy:2`, options)).digest, image.digest)
        const copied = join(work, 'copied')
        await peer(work, [...SKOPEO, '--preserve-digests', `docker://${host}/other/copy:2`, `oci:${copied}:1`])
        // Debian's umoci knows no zstd; the digest has been compared.
        if (compression === 'zstd') return
        assert.deepEqual(snapshotTree(await umociUnpack(work, copied, '1', 'bundle')), snapshotTree(tree))
      })
    }

    test('an image that we push from scratch is uploaded whole, with a name and a password', async t => {
      const login = { user: 'ann', password: 'p:ss wörd' }
      const work = temporaryFolder(t)
      const image = sampleImage(await sampleTree(join(work, 'tree')))
      const host = await registry(t, login)
      const store = temporaryStore(t)
      const [loaded] = await loadArchive(store, writeLayout(join(work, 'given'), image, '1'))
      assert.ok(loaded !== undefined)
      const name = `${host}/team/app:1`
      store.images.tag(name, loaded.id, 'test')
      await assert.rejects(pushImage(store, name, client(t, host)), { code: 'UNAUTHORIZED' })
      await assert.rejects(pushImage(store, name, client(t, host, { ...login, password: 'wrong' })), {
        code: 'UNAUTHORIZED',
      })
      assert.equal((await pushImage(store, name, client(t, host, login))).digest, image.digest)
      const into = temporaryStore(t)
      await pullImage(into, `${name}@${image.digest}`, client(t, host, login))
      mkdirSync(join(work, 'saved'))
      await saveLayout(into, [image.digest], join(work, 'saved'))
    })

    test('what is not there is named', async t => {
      const host = await registry(t)
      await assert.rejects(pullImage(temporaryStore(t), `${host}/none:1`, client(t, host)), {
        code: 'NOT_FOUND',
        message: new RegExp(`^cannot pull ${host}/none:1: HTTP 404 \\(MANIFEST_UNKNOWN`),
      })
    })
  })
}
