import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sha256 } from '../../src/oci/digest.ts'
import { ANONYMOUS } from '../../src/registry/client/credentials.ts'
import { createRegistryClient } from '../../src/registry/client/registry.ts'
import { uploadBlob } from '../../src/registry/client/upload.ts'
import { uploadMemory } from '../../src/registry/client/upload-memory.ts'
import { temporaryFolder } from '../../src/store/testing.ts'
import { makeAuthority } from '../support/certificate.ts'
import { fixtureTree } from '../support/fixture.ts'
import { type Shale, shale, tmp } from '../support/shale.ts'
import { type Login, type RegistryTls, startRegistry } from './registry.ts'
import { whyNoPeers } from './root.ts'
import { peer } from './sample.ts'

const reason = whyNoPeers()
const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const MIB = 1024 * 1024
const SKOPEO = ['skopeo', '--insecure-policy', '--tmpdir', '/tmp']

async function setting(t: TestContext, login?: Login, tls?: RegistryTls) {
  const running = await startRegistry(login, tls)
  t.after(() => running.stop())
  const folder = await tmp(t)
  const env = { DOCKER_CONFIG: folder, XDG_CONFIG_HOME: folder, HOME: folder }
  const call = await shale(t, { env })
  await fixtureTree(join(folder, 'context'), { Dockerfile: 'FROM scratch\nCOPY f /f', f: randomBytes(MIB) })
  const name = `${running.host}/team/app:1`
  const id = (await succeed(call, ['build', '-q', '-t', name, join(folder, 'context')])).trim()
  return { host: running.host, folder, env, call, name, id }
}

async function succeed(call: Shale, args: readonly string[], options = {}): Promise<string> {
  const { code, stdout, stderr } = await call(args, options)
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
  return stdout
}

async function listsAndDeletes(t: TestContext): Promise<void> {
  const login = { user: 'ann', password: 'p:ss wörd' }
  const { host, call, name, id } = await setting(t, login)
  assert.match((await call(['push', name])).stderr, /HTTP 401/)
  const words = ['login', '-u', login.user, '--password-stdin', host]
  assert.equal((await call(words, { input: 'wrong' })).code, 1)
  assert.match(await succeed(call, words, { input: login.password }), /Login Succeeded\n$/)
  assert.match(await succeed(call, ['push', name]), new RegExp(`\n1: digest: ${id} `))
  await succeed(call, ['copy', '-q', `docker://${name}`, `docker://${host}/other/copy:2`])
  assert.equal(await succeed(call, ['registry', 'ls', host]), 'other/copy\nteam/app\n')
  assert.equal(await succeed(call, ['registry', 'tags', `${host}/other/copy`]), '2\n')
  assert.equal(await succeed(call, ['registry', 'manifest', '--digest', `${host}/other/copy:2`]), `${id}\n`)
  // This one deletes no tag alone.
  assert.match(
    (await call(['registry', 'delete', `${host}/other/copy:2`])).stderr,
    /deletes no tag alone\nhint: .*@sha256:/,
  )
  await succeed(call, ['registry', 'delete', `${host}/other/copy@${id}`])
  assert.match((await call(['pull', `${host}/other/copy:2`])).stderr, /HTTP 404/)
  await succeed(call, ['logout', host])
  assert.match((await call(['push', name])).stderr, /HTTP 401/)
}

async function copiesForSkopeo(t: TestContext): Promise<void> {
  const { host, folder, call, name, id } = await setting(t)
  await succeed(call, ['push', name])
  for (const kind of ['oci', 'oci-archive', 'docker-archive']) {
    const path = join(folder, kind)
    await succeed(call, ['copy', '-q', `docker://${name}`, `${kind}:${path}:${name}`])
    const inspected = JSON.parse(await peer(folder, [...SKOPEO, 'inspect', `${kind}:${path}`]))
    assert.equal(inspected.Os, 'linux')
    if (kind !== 'docker-archive') assert.equal(inspected.Digest, id)
    const written = join(folder, `skopeo-${kind}`)
    const to = `${kind}:${written}:${kind === 'oci' ? 'x' : 'app:x'}`
    await peer(folder, [...SKOPEO, 'copy', '--src-tls-verify=false', '-q', `docker://${name}`, to])
    const target = `docker://${host}/back/${kind}:1`
    await succeed(call, ['copy', '-q', `${kind}:${written}`, target])
    const config = (of: string) => succeed(call, ['registry', 'manifest', '--config', of])
    assert.equal(await config(`${host}/back/${kind}:1`), await config(name))
  }
}

async function resumesUploads(t: TestContext): Promise<void> {
  const { host } = await setting(t)
  const bytes = randomBytes(4 * MIB)
  const address = { repository: 'resumed', digest: sha256(bytes) }
  const memory = uploadMemory(temporaryFolder(t))
  const attempt = async (failsAt: number) => {
    const client = createRegistryClient({ credentials: ANONYMOUS, env: {}, attempts: 1 })
    t.after(() => client.close())
    const from: number[] = []
    const open = async function* (at: number) {
      from.push(at)
      if (at === failsAt) throw new Error('interrupted')
      yield bytes.subarray(at)
    }
    const uploaded = uploadBlob(
      client.registry(host),
      address,
      { size: bytes.byteLength, open },
      { chunkSize: MIB, memory },
    )
    return {
      from,
      error: await uploaded.then(
        () => undefined,
        (error: Error) => error,
      ),
    }
  }
  const first = await attempt(2 * MIB)
  assert.match(String(first.error), /interrupted/)
  const second = await attempt(-1)
  assert.equal(second.error, undefined)
  assert.deepEqual(second.from, [2 * MIB, 3 * MIB])
}

async function survivesKill(t: TestContext): Promise<void> {
  const { host, folder, env, call } = await setting(t)
  await fixtureTree(join(folder, 'large'), { Dockerfile: 'FROM scratch\nCOPY f /f', f: randomBytes(96 * MIB) })
  const name = `${host}/large:1`
  const id = (await succeed(call, ['build', '-q', '-t', name, join(folder, 'large')])).trim()
  const child = spawn(process.execPath, [BIN, 'push', name], {
    env: { ...process.env, ...env, SHALE_ROOT: call.root },
    stdio: 'ignore',
  })
  const ended = new Promise<void>(resolve => child.on('exit', () => resolve()))
  const notes = join(call.root, 'uploads')
  // Killed within the write of a note, it also leaves the beginning of one, which is no note and goes after a day.
  const noted = () => readdirSync(notes).filter(name => name.endsWith('.json'))
  while (noted().length === 0 && child.exitCode === null) await delay(1)
  child.kill('SIGKILL')
  await ended
  assert.match(await succeed(call, ['push', name]), new RegExp(`\n1: digest: ${id} `))
  assert.deepEqual(noted(), [])
}

async function speaksTls(t: TestContext): Promise<void> {
  const [servers, clients] = [makeAuthority('servers'), makeAuthority('clients')]
  const client = clients.issue('ann')
  const tls = { ...servers.issue('registry', ['127.0.0.1']), clients: { authority: clients.cert, client } }
  const { host, folder, call, name, id } = await setting(t, undefined, tls)
  const settings = join(folder, 'shale')
  mkdirSync(settings)
  const files = { 'ca.pem': servers.cert, 'ann.pem': client.cert, 'ann.key': client.key, 'other.pem': clients.cert }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(settings, file), text)
  const configure = (lines: string) =>
    writeFileSync(join(settings, 'registries.yaml'), `registries:\n  '${host}':\n${lines}`)
  configure('    ca: ca.pem\n')
  assert.equal((await call(['push', name])).code, 1)
  configure('    ca: other.pem\n    cert: ann.pem\n    key: ann.key\n')
  assert.match((await call(['push', name])).stderr, /certificate of .* is not trusted/)
  configure('    ca: ca.pem\n    cert: ann.pem\n    key: ann.key\n')
  assert.match(await succeed(call, ['push', name]), new RegExp(`\n1: digest: ${id} `))
  assert.equal(await succeed(call, ['registry', 'manifest', '--digest', name]), `${id}\n`)
}

if (reason !== undefined) console.log(`the registry commands are not tested against docker-registry here: ${reason}`)
else {
  describe('our client against docker-registry', () => {
    test('login, push, copy, list and delete with a name and a password', listsAndDeletes)
    test('what copy writes skopeo reads, and the other way round', copiesForSkopeo)
    test('an upload that ended between chunks goes on there, for another client', resumesUploads)
    test('a push that is killed is finished by the next one', survivesKill)
    test('TLS with an authority of its own, and a client certificate', speaksTls)
  })
}
