import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { startDocker } from './docker.ts'
import { startRegistry } from './registry.ts'
import { runInPeerRoot, whyNoPeers } from './root.ts'

const reason = whyNoPeers()

async function leftovers(marker: string): Promise<readonly string[]> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8')
  return mounts.split('\n').filter(line => line.includes(marker))
}

if (reason !== undefined) console.log(`peers are not tested here: ${reason}`)
else {
  describe('the peers root', () => {
    for (const tool of ['skopeo', 'umoci', 'docker-registry']) {
      test(`${tool} tells its version`, async () => {
        const outcome = await runInPeerRoot([tool, '--version'])
        assert.equal(outcome.code, 0, outcome.stderr)
        assert.match(outcome.stdout, /\d+\.\d+/)
      })
    }

    test('binds host folders, keeps the exit code, and leaves no mount behind', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'shale-peers-'))
      try {
        await writeFile(join(folder, 'in'), 'hello\n')
        const binds = [{ host: folder, inner: '/tmp/shared' }]
        const script = 'cat in; tee out; echo warned >&2; exit 7'
        const options = { binds, cwd: '/tmp/shared', input: 'given' }
        const outcome = await runInPeerRoot(['sh', '-c', script], options)
        assert.deepEqual(outcome, { code: 7, stdout: 'hello\ngiven', stderr: 'warned\n' })
        assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'given')
        assert.deepEqual(await leftovers(folder), [])
        assert.deepEqual(await leftovers('trixie-peers'), [])
      } finally {
        await rm(folder, { recursive: true })
      }
    })

    test('the root itself is read-only', async () => {
      const outcome = await runInPeerRoot(['touch', '/usr/bin/new'])
      assert.notEqual(outcome.code, 0)
      assert.match(outcome.stderr, /Read-only/)
    })
  })

  describe('docker-registry', () => {
    test('answers anybody, and is gone after stop', async () => {
      const registry = await startRegistry()
      const answer = await fetch(`http://${registry.host}/v2/_catalog`)
      assert.deepEqual(await answer.json(), { repositories: [] })
      await registry.stop()
      await assert.rejects(fetch(`http://${registry.host}/v2/`))
    })

    test('asks for Basic credentials when it has a login', async () => {
      const registry = await startRegistry({ user: 'ada', password: 'difference' })
      try {
        const url = `http://${registry.host}/v2/`
        assert.equal((await fetch(url)).status, 401)
        const authorization = `Basic ${Buffer.from('ada:difference').toString('base64')}`
        assert.equal((await fetch(url, { headers: { authorization } })).status, 200)
      } finally {
        await registry.stop()
      }
    })
  })

  describe('Docker Engine', () => {
    test('starts, says that it is there, and leaves nothing', async () => {
      const engine = await startDocker()
      const version = await engine.docker('version', '--format', '{{.Server.Version}}')
      assert.match(version, /^\d+\.\d+/)
      await engine.stop()
      assert.deepEqual(await leftovers('shale-docker-'), [])
    })
  })
}
