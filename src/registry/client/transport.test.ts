import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { imageOf, tarOf } from '../../transfer/testing.ts'
import { readBlob } from './blobs.ts'
import { ANONYMOUS, type CredentialSource } from './credentials.ts'
import { getManifest } from './manifests.ts'
import { type ClientOptions, createRegistryClient } from './registry.ts'
import { bodyOf, type FakeRegistry, fakeRegistry, listen, sendError } from './testing.ts'

const IMAGE = imageOf({ layers: [tarOf({ big: Buffer.alloc(500_000, 'x') })], compression: 'none' })
const [LAYER_DIGEST, LAYER] = [...IMAGE.blobs].at(-1) as [`sha256:${string}`, Buffer]
const ADDRESS = { repository: 'app', reference: '1' }
const SECRET = 'hunter2-secret'

async function fake(t: TestContext): Promise<FakeRegistry> {
  const registry = await fakeRegistry(t)
  registry.addImage('app', '1', IMAGE)
  return registry
}

function connected(t: TestContext, host: string, options: ClientOptions = {}) {
  const client = createRegistryClient({ credentials: ANONYMOUS, env: {}, backOff: 1, ...options })
  t.after(() => client.close())
  return client.registry(host)
}

function password(username: string): CredentialSource {
  return { get: async () => ({ kind: 'password', username, password: SECRET }) }
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('Basic: credentials are sent when asked for, and from then on', async t => {
  const registry = await fake(t)
  const seen: (string | undefined)[] = []
  registry.intercept = (request, response) => {
    seen.push(request.headers.authorization)
    if (request.headers.authorization !== undefined) return false
    response.setHeader('www-authenticate', 'Basic realm="here"')
    return sendError(response, 401, 'UNAUTHORIZED')
  }
  const remote = connected(t, registry.host, { credentials: password('ann') })
  await getManifest(remote, ADDRESS)
  await getManifest(remote, ADDRESS)
  const expected = `Basic ${Buffer.from(`ann:${SECRET}`).toString('base64')}`
  assert.deepEqual(seen, [undefined, expected, expected])
})

test('localhost is found whether it means IPv4 or IPv6 first', async t => {
  const registry = await fake(t)
  const remote = connected(t, registry.host.replace('127.0.0.1', 'localhost'))
  assert.equal((await getManifest(remote, ADDRESS)).digest, IMAGE.digest)
})

test('wrong credentials are refused without being shown', async t => {
  const registry = await fake(t)
  registry.intercept = (_, response) => {
    response.setHeader('www-authenticate', 'Basic realm="here"')
    return sendError(response, 401, 'UNAUTHORIZED')
  }
  const remote = connected(t, registry.host, { credentials: password('ann') })
  const error: Error & { code?: string } = await getManifest(remote, ADDRESS).then(
    () => assert.fail('was not refused'),
    refused => refused,
  )
  assert.equal(error.code, 'UNAUTHORIZED')
  assert.ok(!JSON.stringify([error.message, error.stack]).includes(SECRET))
})

/** A registry that wants a token for each repository and action, and the server that gives them. */
async function tokenRegistry(t: TestContext) {
  const registry = await fake(t)
  const asked: { readonly url: URL; readonly authorization: string | undefined; readonly body: string }[] = []
  const realm = await listen(t, async (request: IncomingMessage, response) => {
    const url = new URL(request.url ?? '', 'http://token')
    const body = (await bodyOf(request)).toString()
    asked.push({ url, authorization: request.headers.authorization, body })
    const scopes = url.searchParams.getAll('scope').join(' ') || new URLSearchParams(body).get('scope')
    response.end(JSON.stringify({ token: Buffer.from(scopes ?? '').toString('base64url'), expires_in: 300 }))
  })
  registry.intercept = (request, response) => {
    const given = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    if (Buffer.from(given, 'base64url').toString().includes('repository:app:pull')) return false
    const challenge = `Bearer realm="http://${realm}/token",service="fake",scope="repository:app:pull"`
    response.setHeader('www-authenticate', challenge)
    return sendError(response, 401, 'UNAUTHORIZED')
  }
  return { registry, asked }
}

test('Bearer: one anonymous token serves all pulls of a repository', async t => {
  const { registry, asked } = await tokenRegistry(t)
  const remote = connected(t, registry.host)
  await getManifest(remote, ADDRESS)
  await collect(readBlob(remote, { repository: 'app', digest: LAYER_DIGEST }, LAYER.byteLength))
  assert.equal(asked.length, 1)
  assert.equal(asked[0]?.url.search, '?service=fake&scope=repository%3Aapp%3Apull')
  assert.equal(asked[0]?.authorization, undefined)
})

test('Bearer: the token server gets name and password, the registry only the token', async t => {
  const { registry, asked } = await tokenRegistry(t)
  await getManifest(connected(t, registry.host, { credentials: password('ann') }), ADDRESS)
  assert.equal(asked[0]?.authorization, `Basic ${Buffer.from(`ann:${SECRET}`).toString('base64')}`)
})

test('Bearer: a refresh token is posted', async t => {
  const { registry, asked } = await tokenRegistry(t)
  const credentials: CredentialSource = { get: async () => ({ kind: 'identity', token: SECRET }) }
  await getManifest(connected(t, registry.host, { credentials }), ADDRESS)
  const form = new URLSearchParams(asked[0]?.body)
  assert.deepEqual([form.get('grant_type'), form.get('refresh_token')], ['refresh_token', SECRET])
})

test('a token server that is not HTTPS gets no credentials from a registry elsewhere', async t => {
  const registry = await fake(t)
  registry.intercept = (_, response) => {
    response.setHeader('www-authenticate', 'Bearer realm="http://token.example.com/"')
    return sendError(response, 401, 'UNAUTHORIZED')
  }
  const remote = connected(t, registry.host, { credentials: password('ann') })
  await assert.rejects(getManifest(remote, ADDRESS), { code: 'TOKEN_SERVER' })
})

test('a redirect to another host leaves the authorization behind', async t => {
  const registry = await fake(t)
  const seen: (string | undefined)[] = []
  const elsewhere = await listen(t, (request, response) => {
    seen.push(request.headers.authorization)
    response.end(LAYER)
  })
  registry.intercept = (request, response) => {
    if (request.headers.authorization === undefined) {
      response.setHeader('www-authenticate', 'Basic realm="here"')
      return sendError(response, 401, 'UNAUTHORIZED')
    }
    response.writeHead(307, { location: `http://${elsewhere}/blob?signature=x` }).end()
    return true
  }
  const remote = connected(t, registry.host, { credentials: password('ann') })
  const address = { repository: 'app', digest: LAYER_DIGEST }
  assert.deepEqual(await collect(readBlob(remote, address, LAYER.byteLength)), LAYER)
  assert.deepEqual(seen, [undefined])
})

test('redirects in a circle end', async t => {
  const registry = await fake(t)
  registry.intercept = (request, response) => {
    response.writeHead(302, { location: request.url ?? '' }).end()
    return true
  }
  await assert.rejects(getManifest(connected(t, registry.host), ADDRESS), { code: 'TOO_MANY_REDIRECTS' })
})

test('a blob whose connection is cut is taken up where it ended', async t => {
  const registry = await fake(t)
  const ranges: (string | undefined)[] = []
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/blobs/')) return false
    ranges.push(request.headers.range)
    if (ranges.length > 3) return false
    const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0)
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': LAYER.byteLength - start,
      'content-range': `bytes ${start}-${LAYER.byteLength - 1}/${LAYER.byteLength}`,
    })
    response.write(LAYER.subarray(start, start + 100_000), () => response.destroy())
    return true
  }
  const address = { repository: 'app', digest: LAYER_DIGEST }
  assert.deepEqual(await collect(readBlob(connected(t, registry.host), address, LAYER.byteLength)), LAYER)
  assert.equal(ranges.length, 4)
  assert.equal(ranges[0], undefined)
})

test('a server that knows no ranges starts over, and what we have is passed over', async t => {
  const registry = await fake(t)
  let cut = false
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/blobs/')) return false
    response.writeHead(200, { 'content-length': LAYER.byteLength })
    if (cut) response.end(LAYER)
    else response.write(LAYER.subarray(0, 100_000), () => response.destroy())
    cut = true
    return true
  }
  const address = { repository: 'app', digest: LAYER_DIGEST }
  assert.deepEqual(await collect(readBlob(connected(t, registry.host), address, LAYER.byteLength)), LAYER)
})

test('a busy registry is asked again when it says so', async t => {
  const registry = await fake(t)
  const waited: number[] = []
  let refusals = 2
  registry.intercept = (_, response) => {
    if (refusals-- <= 0) return false
    response.setHeader('retry-after', '7')
    return sendError(response, 429, 'TOOMANYREQUESTS')
  }
  const wait = async (ms: number) => waited.push(ms)
  await getManifest(connected(t, registry.host, { wait }), ADDRESS)
  // The first refusal went to the look whether the registry speaks TLS or plain HTTP.
  assert.ok(waited.length > 0 && waited.every(ms => ms === 7000))
})

test('a wait that is given as a date ends then', async t => {
  const registry = await fake(t)
  const waited: number[] = []
  registry.intercept = (request, response) => {
    if (request.url === '/v2/' || waited.length > 0) return false
    response.setHeader('retry-after', new Date(Date.now() + 30_000).toUTCString())
    return sendError(response, 503, 'UNAVAILABLE')
  }
  await getManifest(connected(t, registry.host, { wait: async ms => waited.push(ms) }), ADDRESS)
  assert.ok(waited.length === 1 && (waited[0] ?? 0) > 25_000 && (waited[0] ?? 0) <= 30_000, String(waited))
})

test('pauses grow, and no two are alike', async t => {
  const registry = await fake(t)
  const waited: number[] = []
  registry.intercept = (request, response) => request.url !== '/v2/' && sendError(response, 503, 'UNAVAILABLE')
  const remote = connected(t, registry.host, { backOff: 100, wait: async ms => waited.push(ms) })
  await assert.rejects(getManifest(remote, ADDRESS), { code: 'REGISTRY_FAILED' })
  assert.equal(waited.length, 4)
  for (const [at, ms] of waited.entries()) assert.ok(ms >= 75 * 2 ** at && ms <= 125 * 2 ** at, String(waited))
  assert.ok(waited.some((ms, at) => ms !== 100 * 2 ** at))
})

test('a token server that fails at first is asked again', async t => {
  const registry = await fake(t)
  let asked = 0
  const realm = await listen(t, (_, response) => {
    asked++
    if (asked === 1) return sendError(response, 503, 'UNAVAILABLE')
    const whole = JSON.stringify({ token: 'good' })
    response.writeHead(200, { 'content-length': whole.length })
    // The second answer is cut in the middle.
    if (asked === 2) response.write(whole.slice(0, 5), () => response.destroy())
    else response.end(whole)
  })
  registry.intercept = (request, response) => {
    if (request.headers.authorization === 'Bearer good') return false
    response.setHeader('www-authenticate', `Bearer realm="http://${realm}/token"`)
    return sendError(response, 401, 'UNAUTHORIZED')
  }
  assert.equal((await getManifest(connected(t, registry.host), ADDRESS)).digest, IMAGE.digest)
  assert.equal(asked, 3)
})

test('a manifest that is cut off is asked for again', async t => {
  const registry = await fake(t)
  let cuts = 0
  registry.intercept = (request, response) => {
    if (request.url === '/v2/' || cuts >= 2) return false
    cuts++
    response.writeHead(200, { 'content-type': IMAGE.mediaType, 'content-length': IMAGE.manifest.byteLength })
    response.write(IMAGE.manifest.subarray(0, 10), () => response.destroy())
    return true
  }
  assert.equal((await getManifest(connected(t, registry.host), ADDRESS)).digest, IMAGE.digest)
  assert.equal(cuts, 2)
})

test('offline no connection is made, and what is missing is named', async t => {
  const registry = await fake(t)
  for (const options of [{ offline: true }, { env: { SHALE_OFFLINE: '1' } }]) {
    await assert.rejects(getManifest(connected(t, registry.host, options), ADDRESS), {
      code: 'OFFLINE',
      message: new RegExp(`^${registry.host}/app:1 is not in the store`),
    })
  }
  assert.deepEqual(registry.requests, [])
})

test('a registry that stays down is given up, with its status', async t => {
  const registry = await fake(t)
  registry.intercept = (_, response) => sendError(response, 503, 'UNAVAILABLE')
  await assert.rejects(getManifest(connected(t, registry.host), ADDRESS), {
    code: 'REGISTRY_FAILED',
    message: /HTTP 503 \(UNAVAILABLE/,
  })
})

test('a server that goes silent is given up', async t => {
  const registry = await fake(t)
  registry.intercept = request => request.url !== '/v2/'
  const remote = connected(t, registry.host, { idleTimeout: 50, attempts: 1 })
  await assert.rejects(getManifest(remote, ADDRESS), { code: 'REGISTRY_TIMEOUT' })
})

test('an abort ends a request that is under way', async t => {
  const registry = await fake(t)
  const abort = new AbortController()
  registry.intercept = request => {
    if (request.url === '/v2/') return false
    abort.abort(new Error('stop'))
    return true
  }
  await assert.rejects(getManifest(connected(t, registry.host), ADDRESS, abort.signal), { message: 'stop' })
})

test('a manifest without end is not read to it', async t => {
  const registry = await fake(t)
  registry.intercept = (request, response) => {
    if (request.url === '/v2/') return false
    response.write(Buffer.alloc(12 * 1024 * 1024, ' '))
    return true
  }
  await assert.rejects(getManifest(connected(t, registry.host), ADDRESS), { code: 'RESPONSE_TOO_LARGE' })
})

test('requests go through the proxy that the environment names, except to this machine', async t => {
  const registry = await fake(t)
  const tunnels: (string | undefined)[] = []
  const plain = await listen(t, () => undefined)
  const { createServer } = await import('node:http')
  const proxy = createServer()
  const sockets = new Set<Socket>()
  proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
    tunnels.push(request.url)
    sockets.add(socket)
    const [host = '', port] = plain.split(':')
    const target = connect(Number(port), host, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    target.pipe(socket).pipe(target)
    socket.on('error', () => target.destroy())
    target.on('error', () => socket.destroy())
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  const address = proxy.address()
  const port = typeof address === 'object' ? address?.port : 0
  const env = { https_proxy: `http://127.0.0.1:${port}`, http_proxy: `http://127.0.0.1:${port}` }
  await getManifest(connected(t, registry.host, { env }), ADDRESS)
  assert.deepEqual(tunnels, [])
  await assert.rejects(getManifest(connected(t, 'registry.example.com', { env, attempts: 1 }), ADDRESS))
  assert.deepEqual(tunnels, ['registry.example.com:443'])
  const direct = connected(t, 'registry.invalid', { env: { ...env, no_proxy: '.invalid' }, attempts: 1 })
  await assert.rejects(getManifest(direct, ADDRESS), { code: 'REGISTRY_UNREACHABLE' })
  assert.equal(tunnels.length, 1)
})
