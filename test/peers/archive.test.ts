import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { describe, type TestContext, test } from 'node:test'
import { loadArchive } from '../../src/archive/load.ts'
import { type ArchiveFormat, saveArchive, saveLayout } from '../../src/archive/save.ts'
import { temporaryFolder, temporaryStore } from '../../src/store/testing.ts'
import type { Store } from '../../src/store/types.ts'
import type { TestImage } from '../../src/transfer/testing.ts'
import { snapshotTree } from '../support/snapshot.ts'
import { startDocker } from './docker.ts'
import { whyNoPeers } from './root.ts'
import { peer, sampleImage, sampleTree, umociUnpack, writeLayout } from './sample.ts'

const NAME = 'docker.io/library/sample:1'
const reason = whyNoPeers()

/** A store with the sample image under NAME, its tree, and a folder that peers see. */
async function sample(t: TestContext) {
  const work = temporaryFolder(t)
  const tree = await sampleTree(join(work, 'tree'))
  const image = sampleImage(tree)
  const store = temporaryStore(t)
  await loadArchive(store, writeLayout(join(work, 'given'), image, '1'))
  store.images.tag(NAME, image.digest, 'test')
  return { work, tree, image, store }
}

async function save(store: Store, path: string, format: ArchiveFormat): Promise<string> {
  await pipeline(saveArchive(store, ['sample:1'], { format }), createWriteStream(path))
  return path
}

/** What umoci makes of a layout equals the tree that the layer was packed from, in everything. */
async function assertTree(work: string, layout: string, tree: string, name: string): Promise<void> {
  const unpacked = await umociUnpack(work, layout, '1', name)
  assert.deepEqual(snapshotTree(unpacked), snapshotTree(tree))
}

function diffIds(image: TestImage): unknown {
  return JSON.parse(image.config.toString()).rootfs.diff_ids
}

if (reason !== undefined) console.log(`archives are not tested against peers here: ${reason}`)
else {
  describe('archives and their peers', () => {
    test('umoci unpacks our OCI layout to the tree that went in', async t => {
      const { work, tree, store } = await sample(t)
      await saveLayout(store, ['sample:1'], join(work, 'saved'))
      await assertTree(work, join(work, 'saved'), tree, 'bundle')
    })

    for (const format of ['docker-archive', 'oci-archive'] as const) {
      test(`skopeo reads our ${format}, and what it writes we load`, async t => {
        const { work, tree, image, store } = await sample(t)
        const path = await save(store, join(work, 'saved.tar'), format)
        const from = format === 'docker-archive' ? `docker-archive:${path}:${NAME}` : `oci-archive:${path}:1`
        const copy = ['skopeo', '--insecure-policy', 'copy', '-q']
        await peer(work, [...copy, from, `oci:${join(work, 'copied')}:1`])
        await assertTree(work, join(work, 'copied'), tree, 'bundle')
        const back = join(work, 'back.tar')
        const to = format === 'docker-archive' ? `docker-archive:${back}:${NAME}` : `oci-archive:${back}:${NAME}`
        await peer(work, [...copy, from, to])
        const into = temporaryStore(t)
        const [loaded] = await loadArchive(into, back)
        assert.deepEqual(loaded?.names, [NAME])
        assert.deepEqual((await into.images.open(loaded.id)).config.rootfs.diff_ids, diffIds(image))
        if (format === 'oci-archive') assert.equal(loaded.id, image.digest)
      })
    }

    test('Docker Engine loads our docker-archive, and what it saves we load', async t => {
      const { work, tree, image, store } = await sample(t)
      const engine = await startDocker([work])
      t.after(() => engine.stop())
      const path = await save(store, join(work, 'saved.tar'), 'docker-archive')
      assert.equal((await engine.docker('load', '-i', path)).trim(), 'Loaded image: sample:1')
      const inspected = JSON.parse(await engine.docker('image', 'inspect', 'sample:1'))
      assert.deepEqual(inspected[0].RootFS.Layers, diffIds(image))
      const back = join(work, 'back.tar')
      await engine.docker('save', '-o', back, 'sample:1')
      const into = temporaryStore(t)
      const [loaded] = await loadArchive(into, back)
      assert.deepEqual(loaded?.names, [NAME])
      await saveLayout(into, ['sample:1'], join(work, 'again'))
      await assertTree(work, join(work, 'again'), tree, 'bundle')
    })
  })
}
