import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { sha256 } from '../../src/oci/digest.ts'
import { MediaType } from '../../src/oci/media-types.ts'
import { connect, type Send } from '../../src/registry/server/testing-server.ts'
import { seeded } from '../faults/random.ts'
import { peakMemory, startServe } from './server-process.ts'

export interface LoadOptions {
  readonly root: string
  readonly clients: number
  readonly seconds: number
  readonly seed: number
}

export interface LoadResult {
  readonly pushes: number
  readonly pulls: number
  readonly megabytes: number
  /** Of the server, in MiB. */
  readonly peakMemory: number
}

const LARGEST_LAYER = 4 * 2 ** 20
/** What layers are cut from, so that the clients do not spend their time on making them. */
const MATERIAL = randomBytes(2 * LARGEST_LAYER)

interface Image {
  readonly repository: string
  readonly manifest: string
  readonly blobs: readonly string[]
}

interface Counts {
  pushes: number
  pulls: number
  bytes: number
}

/** So many clients push and pull at once, half of the time each; any answer but the right one is an error. */
export async function load({ root, clients, seconds, seed }: LoadOptions): Promise<LoadResult> {
  const server = await startServe(root)
  try {
    const end = performance.now() + seconds * 1000
    const images: Image[] = []
    const counts: Counts = { pushes: 0, pulls: 0, bytes: 0 }
    const { send, close } = connect(server.url)
    const one = async (number: number) => {
      const random = seeded(seed + number)
      while (performance.now() < end) {
        const image = images[Math.floor(random() * images.length)]
        if (image === undefined || random() < 0.5) images.push(await push(send, random, `repo${number % 8}`, counts))
        else await pull(send, image, counts)
      }
    }
    await Promise.all(Array.from({ length: clients }, (_, number) => one(number)))
    close()
    const memory = peakMemory(server)
    assert.equal(await server.stop(), 0)
    const { pushes, pulls, bytes } = counts
    return { pushes, pulls, megabytes: Math.round(bytes / 1e6), peakMemory: Math.round(memory / 2 ** 20) }
  } finally {
    await server.stop('SIGKILL')
  }
}

async function push(send: Send, random: () => number, repository: string, counts: Counts): Promise<Image> {
  const contents = [randomBytes(40), layer(random), layer(random)]
  const descriptors = []
  for (const content of contents) {
    const digest = sha256(content)
    const { status, headers } = await send('POST', `/v2/${repository}/blobs/uploads/`)
    assert.equal(status, 202)
    const put = await send('PUT', `${headers.location}?digest=${digest}`, { body: content })
    assert.equal(put.status, 201, put.body.toString())
    counts.bytes += content.length
    descriptors.push({ digest, size: content.length })
  }
  const [config, ...layers] = descriptors
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: { mediaType: MediaType.ociConfig, ...config },
    layers: layers.map(each => ({ mediaType: MediaType.ociLayerTar, ...each })),
  })
  const headers = { 'Content-Type': MediaType.ociManifest }
  const put = await send('PUT', `/v2/${repository}/manifests/${sha256(manifest)}`, { headers, body: manifest })
  assert.equal(put.status, 201, put.body.toString())
  counts.pushes++
  return { repository, manifest, blobs: descriptors.map(({ digest }) => digest) }
}

function layer(random: () => number): Buffer {
  const size = Math.floor(random() ** 3 * LARGEST_LAYER) + 1
  const start = Math.floor(random() * LARGEST_LAYER)
  return MATERIAL.subarray(start, start + size)
}

async function pull(send: Send, { repository, manifest, blobs }: Image, counts: Counts): Promise<void> {
  const { status, body } = await send('GET', `/v2/${repository}/manifests/${sha256(manifest)}`)
  assert.deepEqual([status, body.toString()], [200, manifest])
  for (const digest of blobs) {
    const answer = await send('GET', `/v2/${repository}/blobs/${digest}`)
    assert.deepEqual([answer.status, sha256(answer.body)], [200, digest])
    counts.bytes += answer.body.length
  }
  counts.pulls++
}
