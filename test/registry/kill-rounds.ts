import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { type Digest, sha256 } from '../../src/oci/digest.ts'
import { MediaType } from '../../src/oci/media-types.ts'
import { type Answer, connect, jsonOf, type Send } from '../../src/registry/server/testing-server.ts'
import { seeded } from '../faults/random.ts'
import { type ServerProcess, startServe } from './server-process.ts'

export interface KillOptions {
  readonly root: string
  readonly rounds: number
  readonly seed: number
  readonly onRound?: ((round: number) => void) | undefined
}

export interface KillResult {
  readonly kills: number
  readonly images: number
  readonly blobs: number
  /** Uploads that went on after a kill, from where they were. */
  readonly resumed: number
}

const PUSHERS = 6
const LONGEST_MS = 400

/** What the server has acknowledged. */
interface Acknowledged {
  /** Since the last kill; before that they have been looked at. */
  readonly blobs: Set<Digest>
  /** Blobs in all. */
  count: number
  readonly manifests: Map<Digest, string>
  /** What a tag may point at: the last that was acknowledged, and what was sent after it. */
  readonly tags: Map<string, { sure: Digest | undefined; maybe: Digest | undefined }>
  /** Uploads that were begun and not finished, with what was acknowledged of their content. */
  readonly uploads: Map<string, { readonly content: Buffer; sure: number; finishing: boolean }>
}

/** Kills a server with SIGKILL during pushes, again and again on one store, and looks at what it still has. */
export async function killRounds({ root, rounds, seed, onRound }: KillOptions): Promise<KillResult> {
  const random = seeded(seed)
  const known: Acknowledged = { blobs: new Set(), manifests: new Map(), tags: new Map(), uploads: new Map(), count: 0 }
  let server = await startServe(root)
  try {
    for (let round = 0; round < rounds; round++) {
      await pushUntilKilled(server, known, random, round)
      server = await startServe(root)
      await withClient(server, send => verify(send, known))
      onRound?.(round)
    }
    const resumed = await withClient(server, send => resume(send, known))
    assert.equal(await server.stop(), 0)
    return { kills: rounds, images: known.manifests.size, blobs: known.count, resumed }
  } finally {
    await server.stop('SIGKILL')
  }
}

async function withClient<T>(server: ServerProcess, action: (send: Send) => Promise<T>): Promise<T> {
  const { send, close } = connect(server.url)
  try {
    return await action(send)
  } finally {
    close()
  }
}

async function pushUntilKilled(
  server: ServerProcess,
  known: Acknowledged,
  random: () => number,
  round: number,
): Promise<void> {
  const { send, close } = connect(server.url)
  let killed = false
  const pushers = Array.from({ length: PUSHERS }, async (_, pusher) => {
    try {
      for (let count = 0; ; count++) await pushImage(send, known, random, `${round}-${pusher}-${count}`, `t${pusher}`)
    } catch (error) {
      if (!killed) throw error
    }
  })
  await Promise.race([delay(random() * LONGEST_MS), Promise.all(pushers)])
  killed = true
  await server.stop('SIGKILL')
  await Promise.all(pushers)
  close()
}

async function pushImage(
  send: Send,
  known: Acknowledged,
  random: () => number,
  name: string,
  tag: string,
): Promise<void> {
  const layers = [await upload(send, known, bytes(name, 1 + random() * 200_000), random() < 0.5)]
  const config = await upload(send, known, Buffer.from(`{"name":"${name}"}`), false)
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, ...config },
    layers: layers.map(layer => ({ mediaType: MediaType.ociLayerTar, ...layer })),
  })
  const digest = sha256(text)
  const target = known.tags.get(tag) ?? { sure: undefined, maybe: undefined }
  known.tags.set(tag, target)
  target.maybe = digest
  const headers = { 'Content-Type': MediaType.ociManifest }
  const { status } = await send('PUT', `/v2/app/manifests/${tag}`, { headers, body: text })
  assert.equal(status, 201)
  target.sure = digest
  known.manifests.set(digest, text)
}

function bytes(name: string, length: number): Buffer {
  return Buffer.alloc(Math.floor(length), `${name} `)
}

async function upload(
  send: Send,
  known: Acknowledged,
  content: Buffer,
  inChunks: boolean,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const digest = sha256(content)
  const { headers } = await send('POST', '/v2/app/blobs/uploads/')
  const location = headers.location ?? ''
  const state = { content, sure: 0, finishing: false }
  known.uploads.set(location, state)
  const half = inChunks ? content.length >> 1 : 0
  if (inChunks) {
    const patched = await send('PATCH', location, { body: content.subarray(0, half) })
    assert.equal(patched.status, 202)
    state.sure = half
  }
  state.finishing = true
  const { status } = await send('PUT', `${location}?digest=${digest}`, { body: content.subarray(half) })
  assert.equal(status, 201)
  known.uploads.delete(location)
  known.blobs.add(digest)
  known.count++
  return { digest, size: content.length }
}

/** Everything acknowledged is there, byte for byte, and every tag's image is whole. */
async function verify(send: Send, known: Acknowledged): Promise<void> {
  const checked = new Set<string>()
  const blob = async (digest: string) => {
    if (checked.has(digest)) return
    checked.add(digest)
    const { status, body } = await send('GET', `/v2/app/blobs/${digest}`)
    assert.deepEqual([status, sha256(body)], [200, digest], 'a blob that was acknowledged')
  }
  for (const digest of known.blobs) await blob(digest)
  for (const [digest, text] of known.manifests) {
    const { status, body } = await send('GET', `/v2/app/manifests/${digest}`)
    assert.deepEqual([status, body.toString()], [200, text], 'a manifest that was acknowledged')
  }
  for (const [tag, { sure, maybe }] of known.tags) {
    const answer = await send('GET', `/v2/app/manifests/${tag}`)
    if (answer.status === 404 && sure === undefined) continue
    const found = answer.headers['docker-content-digest'] as Digest
    assert.ok(found === sure || found === maybe, `${tag} points at ${found}, not at ${sure}`)
    const { config, layers } = jsonOf(answer) as { config: { digest: string }; layers: readonly { digest: string }[] }
    for (const { digest } of [config, ...layers]) await blob(digest)
    known.tags.set(tag, { sure: found, maybe: undefined })
  }
  known.blobs.clear()
}

/** What was acknowledged of unfinished uploads is still there, and they can be finished. */
async function resume(send: Send, known: Acknowledged): Promise<number> {
  let count = 0
  for (const [location, { content, sure, finishing }] of known.uploads) {
    const digest = sha256(content)
    const { status, headers } = await send('GET', location)
    if (status === 404) {
      // It had just come to its end, which was not acknowledged: then the client begins anew.
      assert.ok(finishing || sure === 0, 'an upload that had begun is there')
      const again = await send('POST', `/v2/app/blobs/uploads/?digest=${digest}`, { body: content })
      assert.equal(again.status, 201)
      continue
    }
    assert.equal(status, 204)
    const [, last = ''] = /^0-(\d+)$/.exec(headers.range ?? '') ?? []
    const size = last === '0' ? 0 : Number(last) + 1
    assert.ok(size >= sure, `${size} bytes of an upload are left of ${sure}`)
    const range = { 'Content-Range': `${size}-${content.length - 1}` }
    const rest = size < content.length ? { headers: range, body: content.subarray(size) } : {}
    assert.equal(await patiently(() => send('PUT', `${location}?digest=${digest}`, rest)), 201)
    count++
  }
  known.uploads.clear()
  return count
}

/** The writer that was killed counts as alive for a few seconds: until then the server asks to come again. */
async function patiently(action: () => Promise<Answer>): Promise<number> {
  for (;;) {
    const { status, headers } = await action()
    if (status !== 503) return status
    await delay(Number(headers['retry-after']) * 1000)
  }
}
