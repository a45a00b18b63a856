import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { mustRun } from '../../scripts/bases/process.ts'
import { sha256 } from '../../src/oci/digest.ts'
import { client, codeOf, putManifest, sampleManifest } from '../../src/registry/server/testing-server.ts'
import { whyNoDisk } from '../faults/full-disk.ts'
import { type ServerProcess, startServe } from './server-process.ts'

const reason = whyNoDisk()

/** A server whose data are on a disk of 8 MB. What is registered first after a test is done first. */
async function onSmallDisk(t: TestContext): Promise<{ readonly disk: string; readonly server: ServerProcess }> {
  const disk = await mkdtemp(join(tmpdir(), 'shale-small-disk-'))
  await mustRun('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk])
  const server = await startServe(join(disk, 'store')).catch(async error => {
    await mustRun('umount', ['-l', disk])
    throw error
  })
  t.after(async () => {
    await server.stop('SIGKILL')
    await mustRun('umount', ['-l', disk])
    await rmdir(disk)
  })
  return { disk, server }
}

if (reason !== undefined) console.log(`the registry is not tested on a full disk here: ${reason}`)
else {
  test('a registry whose disk is full says so, keeps what it has, and goes on when there is space', async t => {
    const { disk, server } = await onSmallDisk(t)
    const send = client(t, server.url)
    const { digest, text } = await sampleManifest(send, 'app', 'kept')
    assert.equal((await putManifest(send, 'app', '1', text)).status, 201)
    const kept: string[] = []
    for (;;) {
      const content = randomBytes(700_000)
      const path = `/v2/app/blobs/uploads/?digest=${sha256(content)}`
      const answer = await send('POST', path, { body: content })
      if (answer.status !== 201) {
        assert.deepEqual([answer.status, codeOf(answer)], [507, 'UNKNOWN'])
        assert.match(answer.body.toString(), /no space left on its disk/)
        assert.equal((await send('HEAD', `/v2/app/blobs/${sha256(content)}`)).status, 404)
        break
      }
      kept.push(sha256(content))
      assert.ok(kept.length < 20, 'the disk becomes full')
    }
    for (const blob of kept) assert.equal(sha256((await send('GET', `/v2/app/blobs/${blob}`)).body), blob)
    assert.equal((await send('GET', '/v2/app/manifests/1')).headers['docker-content-digest'], digest)
    await mustRun('mount', ['-o', 'remount,size=32m', disk])
    const more = randomBytes(2_000_000)
    assert.equal((await send('POST', `/v2/app/blobs/uploads/?digest=${sha256(more)}`, { body: more })).status, 201)
    assert.equal(await server.stop(), 0)
  })
}
