import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { request as tlsRequest } from 'node:https'
import { connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { sha256 } from '../../src/oci/digest.ts'
import {
  client,
  jsonOf,
  putBlob,
  putManifest,
  type Send,
  sampleManifest,
  testServer,
} from '../../src/registry/server/testing-server.ts'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'
import { startServe } from './server-process.ts'

async function serving(t: TestContext, args: readonly string[] = []) {
  const root = join(await tmp(t), 'store')
  const server = await startServe(root, args)
  t.after(() => server.stop('SIGKILL'))
  return { root, server, send: client(t, server.url) }
}

test('what shale built and pushed is what it pulls, from the store that it was built in', async t => {
  const { root, server, send } = await serving(t)
  const call = await shale(t, { env: { SHALE_ROOT: root } })
  const context = await fixtureTree(await tmp(t), { Dockerfile: 'FROM scratch\nCOPY f /f', f: 'content' })
  const name = `${server.host}/app:1`
  const must = async (...args: string[]) => {
    const { code, stdout, stderr } = await call(args)
    assert.equal(code, 0, stderr)
    return stdout.trim()
  }
  const id = await must('build', '-q', '-t', name, context)
  assert.match(await must('push', name), new RegExp(`digest: ${id}`))
  assert.equal((await send('HEAD', '/v2/app/manifests/1')).headers['docker-content-digest'], id)
  await must('rmi', name)
  await must('system', 'prune', '-af')
  await must('registry', 'gc')
  await must('pull', '-q', name)
  assert.equal(await must('images', '-q', '--no-trunc', name), id)
})

test('it ends on SIGTERM and SIGINT with 0, and lets a request end first', async t => {
  const { server } = await serving(t)
  const { hostname, port } = new URL(server.url)
  const socket = connectSocket(Number(port), hostname)
  const content = 'x'.repeat(1000)
  const digest = sha256(content)
  socket.write(`POST /v2/app/blobs/uploads/?digest=${digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n`)
  socket.write(content.slice(0, 500))
  // The server has the request when it says how many connections there are.
  const { body } = await client(t, server.url)('GET', '/metrics')
  assert.match(body.toString(), /^shale_registry_uploads 1$/m)
  const ended = server.stop('SIGTERM')
  socket.write(content.slice(500))
  let answer = ''
  for await (const chunk of socket) answer += chunk
  assert.match(answer, /^HTTP\/1\.1 201 /)
  assert.equal(await ended, 0)
  const again = await serving(t)
  assert.equal(await again.server.stop('SIGINT'), 0)
})

test('an upload goes on after a restart, from where it was', async t => {
  const { root, server, send } = await serving(t)
  const { headers } = await send('POST', '/v2/app/blobs/uploads/')
  const location = headers.location ?? ''
  await send('PATCH', location, { body: 'first ' })
  await server.stop()
  const second = await startServe(root)
  t.after(() => second.stop('SIGKILL'))
  const sendAgain = client(t, second.url)
  assert.equal((await sendAgain('GET', location)).headers.range, '0-5')
  const put = await sendAgain('PUT', `${location}?digest=${sha256('first second')}`, {
    headers: { 'Content-Range': '6-11' },
    body: 'second',
  })
  assert.equal(put.status, 201)
})

/** Sends text as it is and gives what comes back until the connection ends; `before` comes before our end of it. */
async function raw(url: string, text: string, before: () => Promise<void> = async () => {}): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connectSocket(Number(port), hostname)
  let answer = ''
  socket.on('data', chunk => {
    answer += chunk
  })
  const closed = once(socket, 'close')
  socket.write(text)
  await before()
  socket.end()
  await closed
  return answer
}

async function uploadsWriting(send: Send, count: number): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const { body } = await send('GET', '/metrics')
    if (body.includes(`\nshale_registry_uploads ${count}\n`)) return
    assert.ok(Date.now() < deadline, `${count} uploads write`)
  }
}

test('an upload whose body breaks off goes on from where it came to', async t => {
  const { send, running } = await testServer(t)
  const content = Buffer.alloc(3_000_000, 'content ')
  const { headers } = await send('POST', '/v2/app/blobs/uploads/')
  const location = headers.location ?? ''
  const head = `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: ${content.length}\r\n\r\n`
  await raw(running.url, head + content.subarray(0, 2_000_000), () => uploadsWriting(send, 1))
  await uploadsWriting(send, 0)
  const [, last] = /^0-(\d+)$/.exec((await send('GET', location)).headers.range ?? '') ?? []
  const size = last === '0' ? 0 : Number(last) + 1
  assert.ok(size <= 2_000_000, `${size} bytes came`)
  const put = await send('PUT', `${location}?digest=${sha256(content)}`, {
    headers: { 'Content-Range': `${size}-${content.length - 1}` },
    body: content.subarray(size),
  })
  assert.equal(put.status, 201)
})

test('a body longer than declared ends where it was declared to; one that is shorter is no manifest', async t => {
  const { send, running } = await testServer(t)
  const { headers } = await send('POST', '/v2/app/blobs/uploads/')
  const location = headers.location ?? ''
  const patch = `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n`
  assert.match(await raw(running.url, `${patch}abTOO LONG\r\n\r\n`), /HTTP\/1\.1 400 /)
  assert.equal((await send('PUT', `${location}?digest=${sha256('abTOO LONG')}`)).status, 400)
  const { text } = await sampleManifest(send, 'app', 'x')
  const put = 'PUT /v2/app/manifests/1 HTTP/1.1\r\nHost: x\r\n'
  await raw(running.url, `${put}Content-Length: ${text.length + 1}\r\n\r\n${text}`)
  assert.equal((await send('GET', '/v2/app/manifests/1')).status, 404)
})

test('metrics, health and a line for each request', async t => {
  const { send, log } = await testServer(t)
  await putManifest(send, 'app', '1', (await sampleManifest(send, 'app', 'x')).text)
  await send('GET', '/v2/app/manifests/1')
  await send('GET', '/v2/app/manifests/none')
  const page = await send('GET', '/metrics')
  assert.match(page.headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/)
  const text = page.body.toString()
  for (const line of [
    'shale_registry_requests_total{method="GET",route="manifest",status="200"} 1',
    'shale_registry_requests_total{method="GET",route="manifest",status="404"} 1',
    'shale_registry_request_seconds_count{route="manifest"} 3',
    'shale_registry_uploads 0',
  ]) {
    assert.ok(text.includes(`\n${line}\n`), line)
  }
  for (const line of text.trim().split('\n')) {
    assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[^}]*\})? [0-9.e+-]+)$/)
  }
  const health = await send('GET', '/healthz')
  assert.deepEqual([health.status, health.body.toString()], [200, 'ok\n'])
  const lines = log().trim().split('\n')
  const found = lines.map(line => JSON.parse(line) as Record<string, unknown>).find(({ status }) => status === 404)
  assert.equal(found?.path, '/v2/app/manifests/none')
  assert.deepEqual(Object.keys(found ?? {}).toSorted(), [
    ...['address', 'bytes', 'event', 'level', 'method', 'ms', 'path', 'status', 'time'],
  ])
})

test('mistakes on the command line are named', async t => {
  const call = await shale(t)
  const { root, server } = await serving(t)
  assert.ok(existsSync(root))
  const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['--address', server.host], /cannot listen on 127\.0\.0\.1:\d+: the address is in use\nhint: /],
    [['--address', 'x'], /--address x is not host:port/],
    [['--tls-cert', 'c'], /--tls-cert and --tls-key go together/],
    [['--tls-cert', '/none', '--tls-key', '/none'], /cannot use the certificate \/none with the key \/none/],
    [['--htpasswd', '/none'], /cannot read the users: .*\/none/],
    [['--anonymous', 'none'], /nobody could use this registry/],
    [['--gc-interval', '5'], /--gc-interval 5 is not a time/],
    [['--config', '/none'], /cannot read \/none/],
  ]
  for (const [args, message] of cases) {
    const { code, stderr } = await call(['registry', 'serve', ...args])
    assert.notEqual(code, 0, args.join(' '))
    assert.match(stderr, message)
    assert.doesNotMatch(stderr, /\n +at /)
  }
})

test('a certificate is exchanged while it runs', async t => {
  const folder = await tmp(t)
  const [cert, key] = [join(folder, 'c.pem'), join(folder, 'k.pem')]
  certificate(cert, key, 'first')
  const { server } = await serving(t, ['--tls-cert', cert, '--tls-key', key])
  assert.match(server.url, /^https:/)
  assert.equal(await commonName(server.url), 'first')
  certificate(cert, key, 'second')
  const deadline = Date.now() + 20_000
  while ((await commonName(server.url)) !== 'second') assert.ok(Date.now() < deadline, 'the second is used')
  writeFileSync(cert, 'nonsense')
  while (!server.log().includes('cannot be used')) {
    assert.ok(Date.now() < deadline, 'a certificate that cannot be used is reported')
    assert.equal(await commonName(server.url), 'second')
  }
})

function certificate(cert: string, key: string, name: string): void {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  execFileSync('openssl', [...args, '-subj', `/CN=${name}`, '-keyout', key, '-out', cert], { stdio: 'ignore' })
}

function commonName(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = tlsRequest(`${url}/v2/`, { rejectUnauthorized: false, agent: false }, answer => {
      const name = (answer.socket as TLSSocket).getPeerCertificate().subject.CN
      answer.resume().on('end', () => resolve(String(name)))
    })
    asked.on('error', reject).end()
  })
}

test('two servers on one store', async t => {
  const { root, send } = await serving(t)
  const other = await startServe(root)
  t.after(() => other.stop('SIGKILL'))
  const sendOther = client(t, other.url)
  const { digest, text } = await sampleManifest(send, 'app', 'layer')
  await putManifest(sendOther, 'app', '1', text)
  assert.equal((await send('GET', '/v2/app/manifests/1')).headers['docker-content-digest'], digest)
  await putBlob(sendOther, 'app', 'more')
  assert.equal((await send('HEAD', `/v2/app/blobs/${sha256('more')}`)).status, 200)
  assert.deepEqual(jsonOf(await send('GET', '/v2/_catalog')), { repositories: ['app'] })
})
