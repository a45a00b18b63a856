import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type FakeRegistry, fakeRegistry } from '../../src/registry/client/testing.ts'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

const BIN = fileURLToPath(new URL('../../bin/shale', import.meta.url))
const MIB = 1024 * 1024
const SIZE = 40 * MIB

/** An image with one layer of 40 MiB that no compression makes smaller. */
async function built(t: TestContext) {
  const [call, registry, context] = await Promise.all([shale(t), fakeRegistry(t), tmp(t)])
  await fixtureTree(context, { Dockerfile: 'FROM scratch\nCOPY f /f', f: randomBytes(SIZE) })
  const name = `${registry.host}/app:1`
  const { code, stderr } = await call(['build', '-q', '-t', name, context])
  assert.equal(code, 0, stderr)
  return { call, registry, name }
}

/** Runs it and kills it, as the kernel would, when told to. */
function killable(root: string, args: readonly string[]) {
  const child = spawn(process.execPath, [BIN, ...args], { env: { ...process.env, SHALE_ROOT: root }, stdio: 'ignore' })
  const ended = new Promise<NodeJS.Signals | null>(resolve => child.on('exit', (_, signal) => resolve(signal)))
  return { kill: () => child.kill('SIGKILL'), ended }
}

function bytesOf(registry: FakeRegistry): Buffer {
  const [large] = [...registry.blobs.values()].filter(bytes => bytes.byteLength > SIZE / 2)
  return large ?? assert.fail('no large blob')
}

test('a push whose process is killed goes on from the offset that the registry has', async t => {
  const { call, registry, name } = await built(t)
  const first = killable(call.root, ['push', name])
  registry.intercept = async request => {
    if (request.method === 'PATCH') {
      let seen = 0
      request.on('data', (chunk: Buffer) => {
        seen += chunk.byteLength
        if (seen > 8 * MIB) first.kill()
      })
    }
    return false
  }
  assert.equal(await first.ended, 'SIGKILL')
  assert.equal(registry.manifests.size, 0)
  const starts: number[] = []
  registry.intercept = request => {
    if (request.method === 'PATCH') starts.push(Number.parseInt(request.headers['content-range'] ?? '', 10))
    return false
  }
  const { code, stderr } = await call(['push', name])
  assert.equal(code, 0, stderr)
  assert.ok((starts[0] ?? 0) >= 8 * MIB, `went on at ${starts[0]}`)
  assert.ok(bytesOf(registry).byteLength >= SIZE)
  assert.deepEqual(readdirSync(join(call.root, 'uploads')), [])
})

test('a pull whose process is killed goes on with the bytes that it has', async t => {
  const { call, registry, name } = await built(t)
  assert.equal((await call(['push', '-q', name])).code, 0)
  const other = await shale(t)
  const large = bytesOf(registry)
  const half = Promise.withResolvers<void>()
  registry.intercept = (request, response) => {
    if (
      request.method !== 'GET' ||
      registry.blobs.get(request.url?.replace('/v2/app/blobs/', 'app@') ?? '') !== large
    ) {
      return false
    }
    response.writeHead(200, { 'content-length': large.byteLength })
    response.write(large.subarray(0, 16 * MIB), () => half.resolve())
    return true
  }
  const first = killable(other.root, ['pull', name])
  await half.promise
  await received(join(other.root, 'partial'), 8 * MIB)
  first.kill()
  assert.equal(await first.ended, 'SIGKILL')

  const ranges: (string | undefined)[] = []
  registry.intercept = request => {
    if (request.headers.range !== undefined) ranges.push(request.headers.range)
    return false
  }
  const { code, stderr } = await other(['pull', '-q', name])
  assert.equal(code, 0, stderr)
  assert.equal(ranges.length, 1)
  assert.ok(Number.parseInt(ranges[0]?.replace('bytes=', '') ?? '', 10) >= 8 * MIB, String(ranges[0]))
  assert.deepEqual(readdirSync(join(other.root, 'partial')), [])
  const check = await other(['system', 'check'])
  assert.equal(check.code, 0, check.stdout)
})

/** Resolves when a file of the folder has grown to that many bytes. */
async function received(folder: string, bytes: number): Promise<void> {
  const sizes = () =>
    readdirSync(folder).map(name => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0)
  while (!sizes().some(size => size >= bytes)) await new Promise(resolve => setTimeout(resolve, 5))
}
